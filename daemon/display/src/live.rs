//! The live view: emoji, scores, faces, times, states, log. Draws into any ratatui backend.

use std::borrow::Cow;

use moodring_base::snapshot::{BrokerState, CameraState, Person};
use moodring_core::{
    expression::{Expression, Scores},
    frame::Millis,
    mood::Mood,
};
use moodring_face::animate::{Animator, IdleMotion};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

use super::{
    LogLines, View,
    canvas::Canvas,
    cells::{ColorDepth, paint},
    follow,
};

/// Columns that the text beside the emoji needs.
const TEXT_COLUMNS: u16 = 20;
/// Eighths of a block, for bars.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// What the live view keeps from one picture to the next.
#[derive(Debug)]
pub(super) struct LiveView {
    animator: Animator,
    canvas: Canvas,
    logs: LogLines,
    depth: ColorDepth,
    started: Millis,
    /// Switched off, it shows no face and no people, only the daemon's state.
    pub(super) on: bool,
}

/// The parts of the screen, top to bottom; those that do not fit are 0 high.
struct RowLayout {
    header: Rect,
    body: Rect,
    stages: Rect,
    status: Rect,
    log: Rect,
}

impl RowLayout {
    fn of(area: Rect) -> Self {
        let (w, h) = (area.width, area.height);
        let stages = match h {
            0..16 => 0,
            _ if w < 100 => 2,
            _ => 1,
        };
        let log = (h.saturating_sub(12) / 4).min(8);
        let [header, body, stages, status, log] = Layout::vertical([
            Constraint::Length(u16::from(h > 4)),
            Constraint::Min(1),
            Constraint::Length(stages),
            Constraint::Length(u16::from(h > 2)),
            Constraint::Length(log),
        ])
        .areas(area);
        Self {
            header,
            body,
            stages,
            status,
            log,
        }
    }
}

impl LiveView {
    pub(super) fn new(logs: LogLines, depth: ColorDepth, now: Millis) -> Self {
        Self {
            animator: Animator::new(Mood::Nobody, IdleMotion::Alive, now),
            canvas: Canvas::default(),
            logs,
            depth,
            started: now,
            on: true,
        }
    }

    /// Draws the whole screen.
    pub(super) fn render(&mut self, frame: &mut Frame<'_>, view: &View<'_>) {
        let rows = RowLayout::of(frame.area());
        self.header(frame, rows.header, view);
        let side = rows
            .body
            .height
            .min(rows.body.width.saturating_sub(TEXT_COLUMNS + 1) / 2);
        // Fewer cells cannot show a face.
        let face = if side < 5 { 0 } else { 2 * side };
        let [emoji, _, text] = Layout::horizontal([
            Constraint::Length(face),
            Constraint::Length(u16::from(face > 0)),
            Constraint::Min(1),
        ])
        .areas(rows.body);
        if self.on {
            self.emoji(frame, emoji, view);
            frame.render_widget(self.people(view, text), text);
        } else {
            frame.render_widget(Line::from("the display is switched off").dim(), text);
        }
        let stages = Paragraph::new(stages(view)).wrap(Wrap { trim: true });
        frame.render_widget(stages, rows.stages);
        frame.render_widget(self.status(view), rows.status);
        let lines = self.logs.last(rows.log.height.into());
        let lines = newest_rows(&lines, rows.log);
        let lines: Vec<_> = lines.into_iter().map(|l| Line::from(l).dim()).collect();
        frame.render_widget(Paragraph::new(lines), rows.log);
    }

    fn header(&self, frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
        let left = Line::from(vec![
            "moodring ".bold(),
            if view.preview {
                " PREVIEW IS ON ".white().on_red()
            } else {
                "".into()
            },
            format!("{} · {}", view.device, view.source).into(),
        ]);
        let up = duration(view.now.since(self.started));
        let right = match area.width {
            0..40 => " q quits".to_owned(),
            _ => format!(" up {up} · q quits"),
        };
        let width = right.chars().count() as u16;
        let [start, end] =
            Layout::horizontal([Constraint::Min(1), Constraint::Length(width)]).areas(area);
        frame.render_widget(left, start);
        frame.render_widget(Line::from(right).dim(), end);
    }

    fn emoji(&mut self, frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
        let pose = follow(&mut self.animator, view.snapshot, view.now);
        let rows = (area.width / 2).min(area.height);
        if rows == 0 {
            return;
        }
        self.canvas.resize(u32::from(rows) * 2, u32::from(rows) * 2);
        self.canvas.draw(&pose, self.depth.theme());
        let middle = Rect {
            y: area.y + (area.height - rows) / 2,
            height: rows,
            ..area
        };
        paint(frame.buffer_mut(), middle, &self.canvas, self.depth);
    }

    /// The mood, the scores of the person who counts, and the list of faces.
    fn people(&self, view: &View<'_>, area: Rect) -> Paragraph<'static> {
        let (mood, people) = (&view.snapshot.mood, &view.snapshot.people);
        let camera = view.snapshot.camera;
        let is_seeing = camera.is_seeing();
        // As the face beside it shows; nobody knows who is there.
        let heading = if is_seeing {
            mood.mood().name().to_uppercase()
        } else {
            format!("CAMERA {}", camera.name().to_uppercase())
        };
        let mut title = vec![Span::from(heading).bold()];
        if !is_seeing {
            return Paragraph::new(vec![Line::from(title)]);
        }
        if let Mood::Showing(_) = mood.mood() {
            title.push(format!(" {:.0} %", 100.0 * mood.confidence()).into());
        }
        let scores = people.first().map(|person| person.scores);
        let mut lines = vec![Line::from(title)];
        let roomy = area.height > 12;
        if roomy {
            lines.push(Line::default());
        }
        if area.height > 7 {
            lines.extend(Expression::ALL.map(|e| self.bar(e, scores, area.width)));
        }
        if roomy {
            lines.push(Line::default());
        }
        lines.push(Line::from(faces(view.snapshot.people_count)).dim());
        lines.extend(people.iter().map(|p| Line::from(face(p))));
        Paragraph::new(lines)
    }

    /// A score as a bar; empty if there is nobody.
    fn bar(&self, expression: Expression, scores: Option<Scores>, width: u16) -> Line<'static> {
        let score = scores.map_or(0.0, |s| s.of(expression)).clamp(0.0, 1.0);
        let top = scores.is_some_and(|s| s.top().0 == expression);
        let columns = usize::from(width.saturating_sub(14).clamp(1, 40));
        let eighths = (score * columns as f32 * 8.0).round() as usize;
        let bar = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
        let mut style = Style::new().fg(self.depth.colour(colour(expression)));
        if !top {
            style = style.add_modifier(Modifier::DIM);
        }
        let percent = scores.map_or(String::new(), |_| format!("{:4.0}", 100.0 * score));
        Line::from(vec![
            format!("{:8} ", expression.name()).into(),
            Span::styled(format!("{bar:columns$}"), style),
            percent.into(),
        ])
    }

    fn status(&self, view: &View<'_>) -> Line<'static> {
        let snapshot = view.snapshot;
        let camera = match snapshot.camera {
            CameraState::Running | CameraState::Elsewhere => Color::Green,
            CameraState::Starting | CameraState::Off | CameraState::Ended => Color::Yellow,
            CameraState::Lost | CameraState::Away => Color::Red,
        };
        let broker = match view.broker {
            BrokerState::Online => Color::Green,
            BrokerState::Connecting => Color::Yellow,
            BrokerState::Off => Color::Reset,
        };
        let shade = |name: &'static str, colour| match self.depth {
            ColorDepth::Mono => Span::from(name).bold(),
            ColorDepth::True | ColorDepth::Indexed => Span::styled(name, colour),
        };
        Line::from(vec![
            "cam ".dim(),
            shade(snapshot.camera.name(), camera),
            "  mqtt ".dim(),
            shade(view.broker.name(), broker),
            format!("  {:.1}", snapshot.frames_per_second).into(),
            "/s".dim(),
            "  skipped ".dim(),
            snapshot.frames_skipped.to_string().into(),
            format!("  {}x{}", snapshot.frame_px.0, snapshot.frame_px.1).dim(),
        ])
    }
}

/// The newest rows of lines that are wrapped to the area: a long warning ends with how to mend it.
fn newest_rows(lines: &[String], area: Rect) -> Vec<String> {
    let width = usize::from(area.width.max(1));
    let mut rows: Vec<String> = Vec::new();
    for line in lines {
        rows.extend(textwrap::wrap(line, width).into_iter().map(Cow::into_owned));
    }
    let left_out = rows.len().saturating_sub(area.height.into());
    rows.split_off(left_out)
}

fn faces(count: usize) -> String {
    match count {
        0 => "no face in view".into(),
        1 => "1 face".into(),
        n => format!("{n} faces"),
    }
}

/// A person on one line: number, mood, percent, roll, size of the box in pixels.
fn face(person: &Person) -> String {
    let mood = person.mood;
    format!(
        "#{} {} {:.0}% {:+.0}° {:.0}x{:.0}",
        person.track.0,
        mood.mood().name(),
        100.0 * mood.confidence(),
        person.roll_deg,
        person.face.rect.w,
        person.face.rect.h,
    )
}

fn stages(view: &View<'_>) -> Line<'static> {
    let times = view.snapshot.stages_ms;
    let mut spans = Vec::new();
    for (name, ms) in times.named() {
        spans.push(format!("{name} ").dim());
        spans.push(format!("{ms:.1}  ").into());
    }
    spans.push("total ".dim());
    spans.push(format!("{:.1} ms", times.total()).bold());
    Line::from(spans)
}

/// Hours, minutes, seconds.
fn duration(ms: u64) -> String {
    let s = ms / 1000;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// A bar's colour.
const fn colour(expression: Expression) -> [u8; 3] {
    match expression {
        Expression::Angry => [232, 65, 44],
        Expression::Disgust => [134, 184, 58],
        Expression::Fear => [150, 120, 230],
        Expression::Happy => [255, 201, 60],
        Expression::Sad => [93, 150, 255],
        Expression::Surprise => [255, 140, 60],
        Expression::Neutral => [170, 170, 170],
    }
}

#[cfg(test)]
mod tests;
