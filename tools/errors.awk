# Prints docs/errors.md from src/base/codes.def: entries RK_CODE(NAME, number, "name", EXIT, HTTP, "meaning", "hint"), each on
# one line or several.

# Takes the next argument off `rest`: adjacent string literals are joined, anything else is taken up to the comma.
function argument(    text, piece) {
    sub(/^[ \t,]+/, "", rest)
    if (rest !~ /^"/) {
        match(rest, /^[^,)]*/)
        text = substr(rest, 1, RLENGTH)
        rest = substr(rest, RLENGTH + 1)
        sub(/[ \t]+$/, "", text)
        return text
    }
    while (match(rest, /^[ \t]*"([^"\\]|\\.)*"/)) {
        piece = substr(rest, 1, RLENGTH)
        rest = substr(rest, RLENGTH + 1)
        sub(/^[ \t]*"/, "", piece)
        sub(/"$/, "", piece)
        text = text piece
    }
    gsub(/\\"/, "\"", text)
    gsub(/\\\\/, "\\", text)
    gsub(/\|/, "\\|", text)
    return text
}

BEGIN {
    print "# Error codes"
    print ""
    print "Made from `src/base/codes.def` by `make generate`; do not edit."
    print ""
    print "Every refusal carries a code, what happened, where, and a hint. Programs compare the code, never the text."
    print ""
    print "| code | number | exit | HTTP | meaning | what to do |"
    print "|---|---|---|---|---|---|"
}
/^RK_CODE\(/ { entry = ""; open = 1 }
open {
    line = $0
    sub(/^[ \t]+/, "", line)
    entry = entry (entry == "" ? "" : " ") line
    if (line !~ /\)$/) next
    open = 0
    rest = entry
    sub(/^RK_CODE\(/, "", rest)
    name = argument()
    number = argument()
    text = argument()
    status = argument()
    http = argument()
    meaning = argument()
    hint = argument()
    print "| `" text "` | " number " | " status " | " http " | " meaning " | " hint " |"
}
