# Checks every #include against modules.txt. Input: modules.txt, then a list of all files of the tree ("FILE path"),
# then the includes as grep prints them (path:line:text). Prints path:line: what is wrong; exit 1 if anything is.

function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }

function complain(text) { print text; bad = 1 }

# Adds the words of `text` to list[owner], replacing @names.
function words(list, owner, text,    part, count, i) {
    count = split(text, part, /[ \t]+/)
    for (i = 1; i <= count; i++) {
        if (part[i] ~ /^@/) words(list, owner, named[part[i]])
        else if (part[i] != "") list[owner] = list[owner] " " part[i]
    }
}

# Turns the direct dependencies into direct[from, to], expanding FOLDER/*.
function expand(from,    part, count, i, stem, to) {
    count = split(uses[from], part, " ")
    for (i = 1; i <= count; i++) {
        if (part[i] ~ /\/\*$/) {
            stem = substr(part[i], 1, length(part[i]) - 1)
            for (to in listed) if (index(to, stem) == 1 && to != from) direct[from, to] = 1
        } else if (part[i] in listed) direct[from, part[i]] = 1
        else complain(modules ":" listed[from] ": " from " names " part[i] ", which is not listed")
    }
}

# Everything reachable from `from`, as reach[from, to]; a folder that reaches itself is a cycle.
function close_over(    changed, a, b, c) {
    for (a in listed) for (b in listed) if ((a, b) in direct) reach[a, b] = 1
    for (b in listed) for (a in listed) if ((a, b) in reach)
        for (c in listed) if ((b, c) in reach) reach[a, c] = 1
    for (a in listed) if ((a, a) in reach) complain(modules ":" listed[a] ": " a " depends on itself in a circle")
}

function prepared(    from) {
    if (ready) return
    ready = 1
    for (from in listed) expand(from)
    close_over()
    for (from in files) if (from ~ /\.[ch]$/ && !(folder_of(from) in listed))
        complain(from ":1: its folder " folder_of(from) " is not listed in " modules)
}

function header_allowed(folder, header, support) {
    if (index(headers[folder] " ", " " header " ") || index(headers[folder] " ", " * ")) return 1
    return support && (index(headers["tests"] " ", " " header " ") || index(headers["tests"] " ", " * "))
}

function check(path, line, text,    where, folder, support, name, target, to) {
    where = path ":" line ": "
    folder = folder_of(path)
    if (!(folder in listed)) return
    support = path ~ /_(test|fuzz|bench|testing)\.[ch]$/
    if (match(text, /<[^>]*>/)) {
        name = substr(text, RSTART + 1, RLENGTH - 2)
        if (!header_allowed(folder, name, support)) complain(where folder " may not include <" name ">")
        return
    }
    if (!match(text, /"[^"]*"/)) { complain(where "an include that names no file"); return }
    name = substr(text, RSTART + 1, RLENGTH - 2)
    if (("src/" name) in files) target = "src/" name
    else if (("include/" name) in files) target = "include/" name
    else if ((folder "/" name) in files) target = folder "/" name
    else { complain(where "no such header: " name); return }
    if (target ~ /_testing\.h$/ && !support && folder !~ /^(test|bench)$/) {
        complain(where "test support " name " stays out of the product")
        return
    }
    to = folder_of(target)
    if (to == folder || (folder, to) in reach) return
    if (support && (("tests", to) in reach)) return
    complain(where folder " may not include " to " (" name ")")
}

FNR == 1 { part_number++ }
part_number == 1 {
    modules = FILENAME
    sub(/#.*/, "")
    if ($0 ~ /^[ \t]*$/) next
    if (match($0, /^@[a-z]+ *=/)) {
        name = $1
        sub(/=$/, "", name)
        sub(/^[^=]*=/, "")
        named[name] = $0
        next
    }
    if (!match($0, /^[a-z_\/]+:/)) { complain(FILENAME ":" FNR ": not understood: " $0); next }
    name = substr($0, 1, RLENGTH - 1)
    if (name in listed) complain(FILENAME ":" FNR ": " name " is listed twice")
    listed[name] = FNR
    rest = substr($0, RLENGTH + 1)
    split(rest, half, "|")
    words(uses, name, half[1])
    words(headers, name, half[2])
    next
}
$1 == "FILE" { files[$2] = 1; next }
{
    prepared()
    match($0, /^[^:]*:[0-9]+:/)
    head = substr($0, 1, RLENGTH)
    split(head, at, ":")
    check(at[1], at[2], substr($0, RLENGTH + 1))
}
END { prepared(); exit bad }
