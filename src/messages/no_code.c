/* A DLL needs one object file; this one has no code. */
typedef int ntdsbmsg_no_code;
