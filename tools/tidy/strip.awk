# Prints every line of C files as path:line:text, with comments and the insides of string literals left out, so that a
# ban looks at code only.

FNR == 1 { in_comment = 0 }
{
    line = $0
    code = ""
    while (line != "") {
        if (in_comment) {
            at = index(line, "*/")
            if (!at) break
            line = substr(line, at + 2)
            in_comment = 0
        } else if (match(line, /"|\/\*|\/\/|'/)) {
            code = code substr(line, 1, RSTART - 1)
            mark = substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
            if (mark == "//") break
            if (mark == "/*") { in_comment = 1; code = code " "; continue }
            # a literal: up to its closing mark, jumping over escapes
            code = code mark
            while (match(line, "[" mark "\\\\]")) {
                found = substr(line, RSTART, 1)
                line = substr(line, RSTART + (found == "\\" ? 2 : 1))
                if (found != "\\") break
            }
            code = code mark
        } else { code = code line; break }
    }
    print FILENAME ":" FNR ":" code
}
