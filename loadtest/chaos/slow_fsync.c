/* Preloaded into a store, makes each flush to its disk take longer, at most by as many milliseconds
 * as the file named by SLOW_FSYNC_FILE says at that moment: that, a half or a quarter of it, and
 * never less than 50 unless it says 0. What was written is in the file before the pause: a process
 * killed in it has written and not flushed, which is the moment of interest. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void linger(void)
{
    const char *path = getenv("SLOW_FSYNC_FILE");
    char text[16] = {0};
    int file;
    long ms;

    if (path == NULL || (file = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return;
    if (read(file, text, sizeof text - 1) < 0)
        text[0] = 0;
    close(file);
    ms = atol(text);
    if (ms > 50) {
        ms >>= rand() % 3;
        ms = ms < 50 ? 50 : ms;
    }
    if (ms > 0) {
        struct timespec pause = {ms / 1000, (ms % 1000) * 1000000L};
        nanosleep(&pause, NULL);
    }
}

int fsync(int file)
{
    static int (*real)(int);
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    linger();
    return real(file);
}

int fdatasync(int file)
{
    static int (*real)(int);
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    linger();
    return real(file);
}
