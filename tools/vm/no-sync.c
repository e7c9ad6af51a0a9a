// A disk that lies, for the control run: nothing is durable when it says so. Loaded before libc,
// it makes every sync a no-op and takes O_SYNC and O_DSYNC away from every open.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/types.h>

int fsync(int file) { return (void)file, 0; }
int fdatasync(int file) { return (void)file, 0; }
int sync_file_range(int file, off_t from, off_t bytes, unsigned flags) {
  return (void)file, (void)from, (void)bytes, (void)flags, 0;
}

// O_SYNC contains the bit of O_DSYNC.
#define OPEN(name, ...)                                            \
  va_list more;                                                    \
  va_start(more, flags);                                           \
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
  va_end(more);                                                    \
  static int (*original)();                                        \
  if (!original) original = (int (*)())dlsym(RTLD_NEXT, name);     \
  return original(__VA_ARGS__, flags & ~O_SYNC, mode)

int open(const char *path, int flags, ...) { OPEN("open", path); }
int open64(const char *path, int flags, ...) { OPEN("open64", path); }
int openat(int folder, const char *path, int flags, ...) { OPEN("openat", folder, path); }
int openat64(int folder, const char *path, int flags, ...) { OPEN("openat64", folder, path); }
