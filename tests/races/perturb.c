/* Perturbs the schedule of a program's threads and processes, so that the orders of events that a machine
 * seldom shows come up, too: before and after taking and giving back a mutex, and around the system calls
 * by which processes meet, a thread now and then yields or sleeps for up to a millisecond.
 *
 *     LD_PRELOAD=libperturb.so NTDSB_PERTURB=SEED PROGRAM
 *
 * The same seed makes the same choices a thread; what comes of them is the scheduler's. Works with the
 * thread sanitizer, which calls these functions behind its own. For Linux; knows nothing of the product. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

static uint64_t seed;
static unsigned threads;
static __thread uint64_t state;

__attribute__((constructor)) static void read_seed(void) {
    const char* const text = getenv("NTDSB_PERTURB");
    if (text != NULL) seed = strtoull(text, NULL, 10);
}

/* xorshift64*, begun differently in each thread. */
static unsigned next_random(void) {
    if (state == 0)
        state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) +
                (uint64_t)__atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED) *
                    UINT64_C(0xbf58476d1ce4e5b9);
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (unsigned)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

static void perturb(void) {
    unsigned choice;
    if (seed == 0) return;
    choice = next_random();
    if (choice % 64 == 0) {
        const struct timespec pause = {0, (long)(choice / 64 % 1000) * 1000};
        nanosleep(&pause, NULL);
    } else if (choice % 4 == 0) {
        sched_yield();
    }
}

/* The function of that name behind this library's. */
#define REAL(name) ((__typeof__(&name))real(&real_##name, #name))
static void* real(void** kept, const char* name) {
    void* found = __atomic_load_n(kept, __ATOMIC_ACQUIRE);
    if (found == NULL) {
        found = dlsym(RTLD_NEXT, name);
        if (found == NULL) {
            fprintf(stderr, "libperturb: there is no %s\n", name);
            abort();
        }
        __atomic_store_n(kept, found, __ATOMIC_RELEASE);
    }
    return found;
}

#define PERTURBED(result, name, parameters, arguments) \
    static void* real_##name;                          \
    PUBLIC result name parameters {                    \
        result outcome;                                \
        perturb();                                     \
        outcome = REAL(name) arguments;                \
        perturb();                                     \
        return outcome;                                \
    }

PERTURBED(int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))
PERTURBED(int, pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex))
PERTURBED(int, renameat2,
          (int from_folder, const char* from, int to_folder, const char* to, unsigned flags),
          (from_folder, from, to_folder, to, flags))
PERTURBED(int, unlinkat, (int folder, const char* name, int flags), (folder, name, flags))
PERTURBED(int, fsync, (int file), (file))
PERTURBED(ssize_t, send, (int socket, const void* octets, size_t size, int flags),
          (socket, octets, size, flags))
PERTURBED(ssize_t, recv, (int socket, void* octets, size_t size, int flags),
          (socket, octets, size, flags))
PERTURBED(ssize_t, recvmsg, (int socket, struct msghdr* message, int flags),
          (socket, message, flags))

/* Locks on files. Whatever the command takes is passed on as a pointer, as the C library does. */
static void* real_fcntl;
PUBLIC int fcntl(int file, int command, ...) {
    int outcome;
    void* argument;
    va_list list;
    va_start(list, command);
    argument = va_arg(list, void*);
    va_end(list);
    perturb();
    outcome = REAL(fcntl)(file, command, argument);
    perturb();
    return outcome;
}
