# SPDX-License-Identifier: Apache-2.0
#
# Turns text files into one C source: awk [-v symbol=NAME] -f embed.awk FILE... > data.c
# The order of the output is the order of the arguments; nothing but their bytes goes in.
function escape(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    return text
}
BEGIN {
    if (!symbol)
        symbol = "embedded_files"
    print "#include \"profiles/embedded.h\""
    print "const struct embedded_file " symbol "[] = {"
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
    print "const size_t n_" symbol " = sizeof(" symbol ") / sizeof(" symbol "[0]);"
}
