/* A library with one function and no runtime: what loading one, and a call of its export, cost at the least. */
#ifdef _MSC_VER
__declspec(dllexport)
#elif defined(_WIN32)
__attribute__((dllexport))
#else
__attribute__((visibility("default")))
#endif
    int trivial(void) {
    return 1;
}
