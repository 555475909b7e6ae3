/* The program that the benchmark has supervised: it tells when its first instruction ran.
 *
 * program [STAMPS [LINES GO [leave]]]: writes "<pid> <CLOCK_MONOTONIC, ns>" to the FIFO STAMPS
 * (an absolute path, else `stamps` in the working directory) and waits for ever. With LINES it first waits
 * until GO can be read, stamps, writes so many lines of 100 bytes, stamps; with `leave` it exits.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE 100
#define BLOCK 640

static void stamp(const char *path)
{
    struct timespec now;
    char text[64];
    clock_gettime(CLOCK_MONOTONIC, &now);
    int length = snprintf(text, sizeof text, "%d %lld\n", (int)getpid(),
                          (long long)now.tv_sec * 1000000000 + now.tv_nsec);
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, length) != length)
        _exit(111);
    close(fd);
}

static void flood(long lines, const char *go)
{
    static char block[LINE * BLOCK];
    char byte;
    memset(block, 'x', sizeof block);
    for (int i = 1; i <= BLOCK; i++)
        block[i * LINE - 1] = '\n';
    int fd = open(go, O_RDONLY);
    if (fd < 0 || read(fd, &byte, 1) != 1)
        _exit(111);
    close(fd);
    for (long left = lines * LINE; left > 0;) {
        ssize_t count = write(1, block + (LINE - left % LINE) % LINE,
                              left < LINE * (BLOCK - 1) ? left : LINE * (BLOCK - 1));
        if (count < 0)
            _exit(111);
        left -= count;
    }
}

int main(int argc, char **argv)
{
    /* s6 gives its services an argument of its own. */
    const char *stamps = argc > 1 && argv[1][0] == '/' ? argv[1] : "stamps";
    stamp(stamps);
    if (argc > 3) {
        flood(atol(argv[2]), argv[3]);
        stamp(stamps);
        if (argc > 4)
            return 0;
    }
    for (;;)
        pause();
}
