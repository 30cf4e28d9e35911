# Counts the lines of functions in clang-formatted C: from the line that opens the body to the closing brace. Prints the
# functions over 70 lines and the share of them; exit 1 if it is more than one in ten.

FNR == 1 { head = ""; start = 0 }
start {
    if ($0 == "}") {
        functions++
        if (FNR - start + 1 > 70) { long[++longs] = FILENAME ":" start ": " name " has " FNR - start + 1 " lines" }
        start = 0
        head = ""
    }
    next
}
/^[A-Za-z_]/ { head = $0 }
/^[ \t]/ && head != "" { head = head $0 }
/;$/ { head = "" }
/\{$/ {
    if (head ~ /\(/ && head !~ /=/ && head ~ /\) \{$/) {
        start = FNR
        name = head
        sub(/\(.*/, "", name)
        sub(/.*[ *]/, "", name)
    } else head = ""
}
END {
    for (i = 1; i <= longs; i++) print long[i]
    printf "%d of %d functions have more than 70 lines (%.1f %%)\n", longs, functions, functions ? 100 * longs / functions : 0
    exit longs * 10 > functions
}
