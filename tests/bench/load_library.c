/* How long LoadLibrary and FreeLibrary of one DLL take beside those of another, turn by turn in one run:
 *
 *     load_library PEER.DLL MEASURED.DLL [ROUNDS]
 *
 * Prints the median of both in microseconds and their ratio. */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#define MOST_ROUNDS 10000

static double microseconds(const char* path) {
    LARGE_INTEGER begin, end, frequency;
    HMODULE dll;
    QueryPerformanceCounter(&begin);
    dll = LoadLibraryA(path);
    if (dll == NULL || !FreeLibrary(dll)) {
        fprintf(stderr, "load_library: %s cannot be loaded: error %lu\n", path, GetLastError());
        exit(1);
    }
    QueryPerformanceCounter(&end);
    QueryPerformanceFrequency(&frequency);
    return (double)(end.QuadPart - begin.QuadPart) * 1e6 / (double)frequency.QuadPart;
}

static int by_value(const void* a, const void* b) {
    const double difference = *(const double*)a - *(const double*)b;
    return (difference > 0) - (difference < 0);
}

static double median(double* values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

int main(int argc, char** argv) {
    static double peer[MOST_ROUNDS], measured[MOST_ROUNDS];
    const int rounds = argc > 3 ? atoi(argv[3]) : 500;
    double peer_median, measured_median;
    int i;
    if (argc < 3 || rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "usage: load_library PEER.DLL MEASURED.DLL [ROUNDS, at most %d]\n",
                MOST_ROUNDS);
        return 2;
    }
    for (i = 0; i < rounds; ++i) {
        peer[i] = microseconds(argv[1]);
        measured[i] = microseconds(argv[2]);
    }
    peer_median = median(peer, rounds);
    measured_median = median(measured, rounds);
    printf("LoadLibrary + FreeLibrary, median of %d rounds: %.0f us, peer %.0f us, ratio %.2f\n",
           rounds, measured_median, peer_median, measured_median / peer_median);
    return 0;
}
