/* hold_file PATH: opens or makes a file that nobody else may have open then, says so, and keeps it until its
 * standard input ends. What our locks are on Windows.
 */
#include <stdio.h>
#include <windows.h>

int main(int argc, char** argv) {
    HANDLE file;
    if (argc != 2) return 2;
    file = CreateFileA(argv[1], GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        printf("error %lu\n", GetLastError());
        return 1;
    }
    printf("held\n");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    CloseHandle(file);
    return 0;
}
