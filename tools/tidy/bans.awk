# Applies the bans below to stripped code (strip.awk). A ban is a list of words, where they may stand, and why not
# elsewhere. Prints path:line: what; exit 1 if anything is found.

function ban(words, allowed, why) {
    bans++
    split(words, word, " ")
    for (i in word) number_of[word[i]] = number_of[word[i]] " " bans
    allow[bans] = allowed
    reason[bans] = why
}

BEGIN {
    support = "_(test|fuzz|bench|testing)\\.[ch]$|^(test|bench|tools)/"
    nowhere = "^$"
    ban("strcpy strcat sprintf vsprintf gets strtok atoi atol atoll atof alloca", nowhere, "is banned: it has no bound")
    ban("malloc calloc realloc free strdup strndup", "^src/(io|base)/|" support, "memory is handed in, see src/base")
    ban("printf fprintf vprintf vfprintf snprintf vsnprintf dprintf puts fputs putchar fputc perror",
        "^src/(io|door|main)/|" support, "only io, the door and main print")
}
{
    match($0, /^[^:]*:[0-9]+:/)
    where = substr($0, 1, RLENGTH)
    path = where
    sub(/:.*/, "", path)
    text = substr($0, RLENGTH + 1)
    while (match(text, /[A-Za-z_][A-Za-z0-9_]*[ ]*\(/)) {
        before = RSTART > 1 ? substr(text, RSTART - 1, 1) : ""
        name = substr(text, RSTART, RLENGTH - 1)
        sub(/ +$/, "", name)
        text = substr(text, RSTART + RLENGTH)
        if (!(name in number_of) || before == "." || before == ">") continue # a member that has this name
        count = split(number_of[name], numbers, " ")
        for (i = 1; i <= count; i++)
            if (path !~ allow[numbers[i]]) { print where " " name " " reason[numbers[i]]; bad = 1 }
    }
}
END { exit bad }
