# Makes docs/format.md: the opening comment of each header that defines bytes, in the order of the command line.
# The tables stand in the headers, beside the code that keeps them; this page only gathers them.

BEGIN {
    print "# The bytes"
    print ""
    print "Made from the headers that define them by `make generate`; do not edit. Golden vectors of each stand in"
    print "`test/golden/format.json`, and a test makes them anew and compares. Integers in CBOR maps are keys; `bytes, n` is a"
    print "byte string of n bytes. All CBOR is in the deterministic encoding of RFC 8949 section 4.2.1."
    print ""
    print "Every row of a database, every record, cursor and line of an export file carries the id of its log. Personal members"
    print "(values under a subject's key) have their place as an operation's value that is ciphertext with a key id; modules"
    print "that declare them are refused as `not_yet` until keys exist."
}
FNR == 1 {
    inside = 0
    done = 0
    name = FILENAME
    sub(/^src\//, "", name)
}
done { next }
/^\/\*/ { inside = 1; print "\n## " name "\n\n```"; next }
inside && /^ \*\/$/ { inside = 0; done = 1; print "```"; next }
inside { sub(/^ \* ?/, ""); print }
