/*
 * What the tests need inside the virtual Pi, in one static program (the initial RAM disk has no libraries of its own):
 *   stage shell PORT                       a shell for whoever connects; the tests outside speak to it
 *   stage feed DEVICE FILE W H FOURCC FPS  plays FILE in a ring into a v4l2loopback device; of raw frames, or of JPEGs
 *   stage manager SOCKET                   prints what a service tells its manager, with the time of day in milliseconds
 */
#include <fcntl.h>
#include <linux/videodev2.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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

int main(int count, char **arg)
{
	if (count == 3 && !strcmp(arg[1], "shell"))
		shell(atoi(arg[2]));
	if (count == 8 && !strcmp(arg[1], "feed"))
		feed(arg + 2);
	if (count == 3 && !strcmp(arg[1], "manager"))
		manager(arg[2]);
	fprintf(stderr, "stage: see the head of stage.c\n");
	return 2;
}
