# One line a fuzzer: the file's name without .c, the archives, the pkg-config names.
