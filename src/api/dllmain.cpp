// The DLL's entry point does nothing: everything is made on first use and nothing is destroyed
// (design point 10).
#include <windows.h>

extern "C" BOOL WINAPI DllMain(HINSTANCE, DWORD, LPVOID) { return TRUE; }
