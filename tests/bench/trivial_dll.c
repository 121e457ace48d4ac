/* A DLL with one function and no runtime: what LoadLibrary costs at the least. */
#ifdef _MSC_VER
__declspec(dllexport)
#else
__attribute__((dllexport))
#endif
    int trivial(void) {
    return 1;
}
