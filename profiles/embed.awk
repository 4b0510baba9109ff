# SPDX-License-Identifier: Apache-2.0
#
# Turns text files into one C source: awk -f embed.awk FILE... > data.c
# The order of the output is the order of the arguments; nothing but their bytes goes in.
function escape(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    return text
}
BEGIN {
    print "#include \"profiles/embedded.h\""
    print "const struct embedded_file embedded_files[] = {"
}
FNR == 1 {
    if (NR != 1)
        print "    },"
    printf "    {\"%s\",\n", escape(FILENAME)
}
{ printf "     \"%s\\n\"\n", escape($0) }
END {
    if (NR)
        print "    },"
    print "};"
    print "const size_t n_embedded_files = sizeof(embedded_files) / sizeof(embedded_files[0]);"
}
