// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of a Raspberry Pi that a small display with buttons sits on, for a kernel in QEMU: an SPI bus whose bytes can be
 * read back, and the GPIO chip of the 40-pin header under the Pi's own label.
 *
 * Reading /dev/virtual-pi gives what the daemon did, in order, as records:
 *   'S' length:u32le bytes      an SPI transfer
 *   'G' line:u8 value:u8        an output line changed
 *   'F' line:u8                 an output line was given back: it is an input now, as mainline kernels, strict_gpiod and
 *                               JetPack leave it
 * Writing one line of text changes the world around it:
 *   "press LINE" and "release LINE"   a button between the line and ground
 *   "spi ok", "spi broken"            transfers work, or end with an I/O error
 *   "spi hung"                        transfers do not return until it is "ok" again
 */
#include <linux/fs.h>
#include <linux/gpio/driver.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/kfifo.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/spi/spi.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#define LINES 28 /* GPIO0 to GPIO27 */
#define FIFO_BYTES (1 << 22)

enum bus { OK, BROKEN, HUNG };

static struct platform_device *board;
static struct spi_controller *bus_controller;
static enum bus bus;
static DECLARE_WAIT_QUEUE_HEAD(mended);

static struct kfifo fifo;
static void *fifo_memory;
static DEFINE_SPINLOCK(fifo_lock);
static DECLARE_WAIT_QUEUE_HEAD(recorded);
static unsigned long lost;

static unsigned long levels; /* a bit per line; inputs are pulled up */
static unsigned long outputs;

static void record(const void *head, unsigned int head_bytes, const void *body, unsigned int body_bytes)
{
	unsigned long flags;

	spin_lock_irqsave(&fifo_lock, flags);
	/* Whole or not at all: a reader that is late loses records, not the thread. */
	if (kfifo_avail(&fifo) >= head_bytes + body_bytes) {
		kfifo_in(&fifo, head, head_bytes);
		if (body_bytes)
			kfifo_in(&fifo, body, body_bytes);
	} else {
		lost++;
	}
	spin_unlock_irqrestore(&fifo_lock, flags);
	wake_up_interruptible(&recorded);
}

/* SPI */

static int transfer(struct spi_controller *controller, struct spi_device *device, struct spi_transfer *transfer)
{
	u8 head[5] = { 'S', transfer->len, transfer->len >> 8, transfer->len >> 16, transfer->len >> 24 };

	wait_event(mended, READ_ONCE(bus) != HUNG);
	if (READ_ONCE(bus) == BROKEN)
		return -EIO;
	if (transfer->tx_buf)
		record(head, sizeof(head), transfer->tx_buf, transfer->len);
	if (transfer->rx_buf)
		memset(transfer->rx_buf, 0, transfer->len);
	return 0;
}

/* GPIO */

static int get_direction(struct gpio_chip *chip, unsigned int line)
{
	return test_bit(line, &outputs) ? GPIO_LINE_DIRECTION_OUT : GPIO_LINE_DIRECTION_IN;
}

static int get(struct gpio_chip *chip, unsigned int line)
{
	return test_bit(line, &levels);
}

static void set(struct gpio_chip *chip, unsigned int line, int value)
{
	u8 head[3] = { 'G', line, !!value };

	assign_bit(line, &levels, value);
	record(head, sizeof(head), NULL, 0);
}

static int direction_input(struct gpio_chip *chip, unsigned int line)
{
	clear_bit(line, &outputs);
	set_bit(line, &levels);
	return 0;
}

static int direction_output(struct gpio_chip *chip, unsigned int line, int value)
{
	set_bit(line, &outputs);
	set(chip, line, value);
	return 0;
}

static void free_line(struct gpio_chip *chip, unsigned int line)
{
	u8 head[2] = { 'F', line };

	if (!test_bit(line, &outputs))
		return;
	direction_input(chip, line);
	record(head, sizeof(head), NULL, 0);
}

static int set_config(struct gpio_chip *chip, unsigned int line, unsigned long config)
{
	return 0; /* Pulls are as they are; debouncing is left to the kernel's own. */
}

static void irq_nothing(struct irq_data *data)
{
}

static int irq_any_type(struct irq_data *data, unsigned int type)
{
	return 0; /* Both edges are told; the kernel's GPIO code sorts them. */
}

static void irq_mask(struct irq_data *data)
{
	gpiochip_disable_irq(irq_data_get_irq_chip_data(data), irqd_to_hwirq(data));
}

static void irq_unmask(struct irq_data *data)
{
	gpiochip_enable_irq(irq_data_get_irq_chip_data(data), irqd_to_hwirq(data));
}

static const struct irq_chip lines_irq = {
	.name = "virtual-pi",
	.irq_ack = irq_nothing,
	.irq_mask = irq_mask,
	.irq_unmask = irq_unmask,
	.irq_set_type = irq_any_type,
	.flags = IRQCHIP_IMMUTABLE,
	GPIOCHIP_IRQ_RESOURCE_HELPERS,
};

static struct gpio_chip lines = {
	.label = "pinctrl-bcm2711",
	.owner = THIS_MODULE,
	.free = free_line,
	.base = -1,
	.ngpio = LINES,
	.get_direction = get_direction,
	.direction_input = direction_input,
	.direction_output = direction_output,
	.get = get,
	.set = set,
	.set_config = set_config,
};

static void press(unsigned int line, int level)
{
	if (test_bit(line, &outputs) || test_bit(line, &levels) == level)
		return;
	assign_bit(line, &levels, level);
	generic_handle_domain_irq_safe(lines.irq.domain, line);
}

/* /dev/virtual-pi */

static ssize_t world_read(struct file *file, char __user *to, size_t bytes, loff_t *offset)
{
	unsigned int copied;
	int error;

	if (wait_event_interruptible(recorded, !kfifo_is_empty(&fifo)))
		return -ERESTARTSYS;
	error = kfifo_to_user(&fifo, to, bytes, &copied); /* one reader only */
	return error ? error : copied;
}

static ssize_t world_write(struct file *file, const char __user *from, size_t bytes, loff_t *offset)
{
	char text[32] = { 0 };
	unsigned int line;

	if (bytes >= sizeof(text) || copy_from_user(text, from, bytes))
		return -EINVAL;
	strim(text);
	if (sscanf(text, "press %u", &line) == 1 && line < LINES)
		press(line, 0);
	else if (sscanf(text, "release %u", &line) == 1 && line < LINES)
		press(line, 1);
	else if (!strcmp(text, "spi ok"))
		WRITE_ONCE(bus, OK);
	else if (!strcmp(text, "spi broken"))
		WRITE_ONCE(bus, BROKEN);
	else if (!strcmp(text, "spi hung"))
		WRITE_ONCE(bus, HUNG);
	else
		return -EINVAL;
	wake_up_all(&mended);
	return bytes;
}

static const struct file_operations world_operations = {
	.owner = THIS_MODULE,
	.read = world_read,
	.write = world_write,
};

static struct miscdevice world = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "virtual-pi",
	.fops = &world_operations,
};

static struct spi_board_info display = {
	.modalias = "dh2228fv", /* spidev binds to it without a device tree */
	.max_speed_hz = 125000000,
	.chip_select = 0,
	.mode = SPI_MODE_0,
};

static int __init virtual_pi_init(void)
{
	int error;

	fifo_memory = vmalloc(FIFO_BYTES);
	if (!fifo_memory)
		return -ENOMEM;
	kfifo_init(&fifo, fifo_memory, FIFO_BYTES);
	levels = ~0UL;

	board = platform_device_register_simple("virtual-pi", -1, NULL, 0);
	if (IS_ERR(board))
		return PTR_ERR(board);

	lines.parent = &board->dev;
	gpio_irq_chip_set_chip(&lines.irq, &lines_irq);
	lines.irq.handler = handle_edge_irq;
	lines.irq.default_type = IRQ_TYPE_NONE;
	error = gpiochip_add_data(&lines, NULL);
	if (error)
		return error;

	bus_controller = spi_alloc_master(&board->dev, 0);
	if (!bus_controller)
		return -ENOMEM;
	bus_controller->bus_num = 0;
	bus_controller->num_chipselect = 2;
	bus_controller->mode_bits = SPI_CPOL | SPI_CPHA;
	bus_controller->max_speed_hz = 125000000;
	bus_controller->transfer_one = transfer;
	error = spi_register_controller(bus_controller);
	if (error)
		return error;
	if (!spi_new_device(bus_controller, &display))
		return -ENODEV;
	return misc_register(&world);
}

/* It stays as long as the kernel runs, so it has no exit, and what fails half-way needs no undoing. */
module_init(virtual_pi_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("SPI bus and GPIO header of a Raspberry Pi, for tests in QEMU");
