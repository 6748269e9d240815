/*
 * What the tests need inside the virtual Pi, in one static program (the initial RAM disk has no libraries of its own):
 *   stage shell PORT                       a shell for whoever connects; the tests outside speak to it
 *   stage feed DEVICE FILE W H FOURCC FPS  plays FILE in a ring into a v4l2loopback device; of raw frames, or of JPEGs
 *   stage manager SOCKET                   prints what a service tells its manager, with the time of day in milliseconds
 *   stage screen DEVICE                    what is on /dev/dri/cardN or /dev/fbN: its size, then the mean colour of each cell of
 *                                          16x16 pixels in hex
 */
#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <linux/videodev2.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static _Noreturn void shell(int port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (void *)&any, sizeof(any)) || listen(listener, 8))
		fail("listen");
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int guest = accept(listener, NULL, NULL);
		if (guest < 0)
			fail("accept");
		if (fork() == 0) {
			signal(SIGCHLD, SIG_DFL);
			close(listener);
			dup2(guest, 0);
			dup2(guest, 1);
			dup2(guest, 2);
			execl("/bin/busybox", "sh", "-s", NULL);
			fail("sh");
		}
		close(guest);
	}
}

/* The end of the frame that begins at `at`: after `raw` bytes, or at a JPEG's end marker. */
static size_t frame_end(const uint8_t *film, size_t bytes, size_t at, size_t raw)
{
	if (raw)
		return at + raw;
	for (size_t end = at + 2; end + 2 <= bytes; end++)
		if (film[end] == 0xff && film[end + 1] == 0xd9)
			return end + 2;
	return bytes + 1;
}

static _Noreturn void feed(char **arg)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT };
	int width = atoi(arg[2]), height = atoi(arg[3]), jpeg = !strcmp(arg[4], "MJPG"), fps = atoi(arg[5]);
	int device = open(arg[0], O_RDWR), file = open(arg[1], O_RDONLY);
	struct timespec due;
	struct stat info;
	uint8_t *film;

	if (device < 0 || file < 0 || fstat(file, &info))
		fail("open");
	film = malloc(info.st_size);
	if (read(file, film, info.st_size) != info.st_size)
		fail("read");
	format.fmt.pix.width = width;
	format.fmt.pix.height = height;
	format.fmt.pix.pixelformat = v4l2_fourcc(arg[4][0], arg[4][1], arg[4][2], arg[4][3]);
	format.fmt.pix.field = V4L2_FIELD_NONE;
	format.fmt.pix.bytesperline = jpeg ? 0 : width * 2;
	format.fmt.pix.sizeimage = width * height * 2;
	if (ioctl(device, VIDIOC_S_FMT, &format))
		fail("VIDIOC_S_FMT");
	clock_gettime(CLOCK_MONOTONIC, &due);
	for (size_t at = 0, end;; at = end) {
		end = frame_end(film, info.st_size, at, jpeg ? 0 : (size_t)width * height * 2);
		if (end > (size_t)info.st_size) {
			if (!at)
				fail("no whole frame");
			end = 0;
			continue;
		}
		if (write(device, film + at, end - at) < 0)
			fail("write");
		due.tv_nsec += 1000000000L / fps;
		due.tv_sec += due.tv_nsec / 1000000000L;
		due.tv_nsec %= 1000000000L;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	}
}

static _Noreturn void manager(const char *path)
{
	struct sockaddr_un here = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[4097];

	unlink(path);
	strncpy(here.sun_path, path, sizeof(here.sun_path) - 1);
	if (bind(listener, (void *)&here, sizeof(here)))
		fail("bind");
	for (;;) {
		ssize_t bytes = recv(listener, text, sizeof(text) - 1, 0);
		struct timespec now;
		if (bytes < 0)
			fail("recv");
		text[bytes] = 0;
		clock_gettime(CLOCK_MONOTONIC, &now);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			printf("%lld %s\n", now.tv_sec * 1000LL + now.tv_nsec / 1000000, line);
		fflush(stdout);
	}
}

/* Prints the means of the cells; a pixel has 2 (RGB565) or 4 bytes (blue, green, red, none). */
static _Noreturn void tell(const uint8_t *pixels, int width, int height, int stride, int bytes)
{
	printf("%dx%d\n", width, height);
	for (int row = 0; row + 16 <= height; row += 16) {
		for (int column = 0; column + 16 <= width; column += 16) {
			unsigned int r = 0, g = 0, b = 0;
			for (int y = row; y < row + 16; y++)
				for (int x = column; x < column + 16; x++) {
					const uint8_t *at = pixels + (size_t)y * stride + (size_t)x * bytes;
					unsigned int raw = at[0] | at[1] << 8;
					r += bytes == 4 ? at[2] : (raw >> 11) * 255 / 31;
					g += bytes == 4 ? at[1] : (raw >> 5 & 63) * 255 / 63;
					b += bytes == 4 ? at[0] : (raw & 31) * 255 / 31;
				}
			printf("%02x%02x%02x", r / 256, g / 256, b / 256);
		}
		printf("\n");
	}
	exit(0);
}

/* The framebuffer of the first CRTC that has one; only root gets its memory. */
static _Noreturn void screen_of_card(int card)
{
	uint32_t crtcs[16];
	struct drm_mode_card_res all = { .crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = 16 };

	if (ioctl(card, DRM_IOCTL_MODE_GETRESOURCES, &all))
		fail("GETRESOURCES");
	for (uint32_t i = 0; i < all.count_crtcs && i < 16; i++) {
		struct drm_mode_crtc crtc = { .crtc_id = crtcs[i] };
		struct drm_mode_fb_cmd fb = { 0 };
		struct drm_mode_map_dumb map = { 0 };
		const uint8_t *pixels;

		if (ioctl(card, DRM_IOCTL_MODE_GETCRTC, &crtc) || !crtc.fb_id)
			continue;
		fb.fb_id = crtc.fb_id;
		if (ioctl(card, DRM_IOCTL_MODE_GETFB, &fb))
			fail("GETFB");
		map.handle = fb.handle;
		if (ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map))
			fail("MAP_DUMB");
		pixels = mmap(NULL, (size_t)fb.pitch * fb.height, PROT_READ, MAP_SHARED, card, map.offset);
		if (pixels == MAP_FAILED)
			fail("mmap");
		tell(pixels, fb.width, fb.height, fb.pitch, fb.bpp / 8);
	}
	/* Nothing is shown: black, of the size that the test expects. */
	tell(calloc(1024 * 768, 4), 1024, 768, 1024 * 4, 4);
}

static _Noreturn void screen(const char *device)
{
	int file = open(device, O_RDWR);
	struct fb_var_screeninfo var;
	struct fb_fix_screeninfo fix;
	uint8_t *pixels;

	if (file < 0)
		fail(device);
	if (strstr(device, "/dri/"))
		screen_of_card(file);
	if (ioctl(file, FBIOGET_VSCREENINFO, &var) || ioctl(file, FBIOGET_FSCREENINFO, &fix))
		fail("FBIOGET");
	pixels = malloc((size_t)fix.line_length * var.yres);
	if (pread(file, pixels, (size_t)fix.line_length * var.yres, (off_t)var.yoffset * fix.line_length) < 0)
		fail("read");
	tell(pixels, var.xres, var.yres, fix.line_length, var.bits_per_pixel / 8);
}

int main(int count, char **arg)
{
	if (count == 3 && !strcmp(arg[1], "shell"))
		shell(atoi(arg[2]));
	if (count == 8 && !strcmp(arg[1], "feed"))
		feed(arg + 2);
	if (count == 3 && !strcmp(arg[1], "manager"))
		manager(arg[2]);
	if (count == 3 && !strcmp(arg[1], "screen"))
		screen(arg[2]);
	fprintf(stderr, "stage: see the head of stage.c\n");
	return 2;
}
