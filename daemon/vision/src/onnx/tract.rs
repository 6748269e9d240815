//! tract: float inference by other people's code, in this binary.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tract_onnx::prelude::*;

use super::runner::{EngineError, Output, Runner};

/// The length at which tract's long reasons are cut.
const REASON_CHARS: usize = 300;

/// A net that tract has optimized for one input size.
pub(super) struct TractRunner {
    runnable: Arc<TypedRunnableModel>,
    sides: [usize; 4],
}

/// Prepares a file for an input of these sides.
pub(super) fn load(bytes: &[u8], sides: [usize; 4]) -> Result<TractRunner, EngineError> {
    let made = guarded(|| {
        // Shapes inside a file are often symbolic, and then contradict the size that we choose.
        let mut model = onnx()
            .with_ignore_value_info(true)
            .model_for_read(&mut &*bytes)?;
        model.set_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), sides))?;
        Ok(TractRunner {
            runnable: model.into_optimized()?.into_runnable()?,
            sides,
        })
    });
    made.map_err(EngineError::File)
}

impl Runner for TractRunner {
    fn run(&mut self, input: &[f32], outputs: &mut Vec<Output>) -> Result<(), String> {
        guarded(|| {
            let input = Tensor::from_shape(&self.sides, input)?;
            let found = self.runnable.run(tvec!(input.into()))?;
            outputs.resize_with(found.len(), Output::default);
            for (output, found) in outputs.iter_mut().zip(&found) {
                let values = found
                    .as_plain_ram()
                    .and_then(|plain| plain.as_slice::<f32>().ok());
                let values = values.ok_or_else(|| TractError::msg("an output is not f32"))?;
                output.sides.clear();
                output.sides.extend_from_slice(found.shape());
                output.values.clear();
                output.values.extend_from_slice(values);
            }
            Ok(())
        })
    }
}

/// tract may index beyond broken graphs; such a panic means a broken file here, not the end.
fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| one_line(&error)),
        Err(_) => Err("tract panicked, so its graph is damaged or beyond tract".into()),
    }
}

/// The whole chain of causes on one line, cut if it is too long.
fn one_line(error: &TractError) -> String {
    let text = format!("{error:#}");
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().take(REASON_CHARS).collect()
}
