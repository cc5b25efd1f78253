package house

import (
	"fmt"
	"go/scanner"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// comment is one line of a comment.
type comment struct {
	line int
	text string // without the slashes and stars
	all  string // the line in the file, code before the comment and all
}

// goComments returns the comments of a Go file's text.
func goComments(text string) []comment {
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), func(token.Position, string) {}, scanner.ScanComments)
	lines := strings.Split(text, "\n")
	var list []comment
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return list
		}
		if tok != token.COMMENT {
			continue
		}
		for i, text := range strings.Split(lit, "\n") {
			line := file.Line(pos) + i
			list = append(list, comment{line, strings.Trim(text, "/* \t"), lines[line-1]})
		}
	}
}

// assemblyComments returns the comments of an assembly file's text, which begin with two slashes.
func assemblyComments(text string) []comment {
	var list []comment
	for i, line := range strings.Split(text, "\n") {
		if _, text, found := strings.Cut(line, "//"); found {
			list = append(list, comment{i + 1, text, line})
		}
	}
	return list
}

// commentsOf returns the comments of a file; of a text for readers, all lines.
func commentsOf(t *testing.T, file string) []comment {
	t.Helper()
	switch text := read(t, file); path.Ext(file) {
	case ".go":
		return goComments(text)
	case ".s", ".h":
		return assemblyComments(text)
	case ".md":
		var list []comment
		for i, line := range strings.Split(text, "\n") {
			list = append(list, comment{i + 1, line, line})
		}
		return list
	}
	return nil
}

// maxWidth is the most columns that a line with nothing but a comment has; a tab has four.
const maxWidth = 100

var directive = regexp.MustCompile(`^\s*//[a-z]+:`)

// tooWide reports whether a comment has more than maxWidth columns and could have fewer.
func tooWide(c comment) bool {
	width := utf8.RuneCountInString(strings.ReplaceAll(c.all, "\t", "    "))
	alone := strings.HasPrefix(strings.TrimSpace(c.all), "//")
	return alone && width > maxWidth && !strings.Contains(c.text, "://") && !directive.MatchString(c.all)
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func TestCommentsAreNarrow(t *testing.T) {
	for _, file := range moduleFiles(t) {
		if path.Ext(file) != ".go" || generated.MatchString(read(t, file)) {
			continue
		}
		for _, c := range commentsOf(t, file) {
			assert.False(t, tooWide(c), "%s:%d: wider than %d columns: %s", file, c.line, maxWidth, c.text)
		}
	}
}

func TestTooWide(t *testing.T) {
	for name, test := range map[string]struct {
		line string
		want bool
	}{
		"as wide as may be":  {"// " + strings.Repeat("x", 97), false},
		"a column more":      {"// " + strings.Repeat("x", 98), true},
		"a tab has four":     {"\t// " + strings.Repeat("x", 93), false},
		"tabs and more":      {"\t// " + strings.Repeat("x", 94), true},
		"letters, not bytes": {"// " + strings.Repeat("µ", 97), false},
		"behind code":        {"var x int // " + strings.Repeat("x", 98), false},
		"an address":         {"// https://example.com/" + strings.Repeat("x", 98), false},
		"a directive":        {"//go:generate " + strings.Repeat("x", 98), false},
	} {
		t.Run(name, func(t *testing.T) {
			list := goComments("package p\n\n" + test.line + "\n")
			if assert.Len(t, list, 1) {
				assert.Equal(t, 3, list[0].line)
				assert.Equal(t, test.want, tooWide(list[0]))
			}
		})
	}
}

// elsewhere are files of others that comments name, with whose they are.
var elsewhere = map[string]string{
	"linux/fib_rules.h":  "Linux",
	"linux/gen_stats.h":  "Linux",
	"linux/if.h":         "Linux",
	"linux/if_addr.h":    "Linux",
	"linux/if_xdp.h":     "Linux",
	"linux/netlink.h":    "Linux",
	"linux/rtnetlink.h":  "Linux",
	"linux/sock_diag.h":  "Linux",
	"linux/veth.h":       "Linux",
	"linux/virtio_net.h": "Linux",
	"linux/xfrm.h":       "Linux",
	"raserror.h":         "the Windows SDK",

	"src/runtime/sys_linux_mipsx.s":   "Go",
	"src/runtime/sys_linux_mips64x.s": "Go",

	"INTEROP/guest/lib.sh": "the guest, where INTEROP stands for this module's interop",
}

var fileName = regexp.MustCompile(`[\w./*-]*\w\.(?:go|s|h|sh|md)\b`)

// filesNamed returns the names of files in a line of text. What stands for several files, and
// addresses, are none.
func filesNamed(text string) []string {
	var names []string
	for _, word := range strings.Fields(text) {
		if strings.Contains(word, "://") {
			continue
		}
		for _, at := range fileName.FindAllStringIndex(word, -1) {
			name, rest := word[at[0]:at[1]], word[at[1]:]
			if !strings.Contains(name, "*") && !strings.HasPrefix(rest, "(") {
				names = append(names, name)
			}
		}
	}
	return names
}

// exists reports whether a name in a file is one of files, which are paths from the root: as it is,
// seen from the file, or as the end of a path.
func exists(name, in string, files []string) bool {
	seen := path.Join(path.Dir(in), name)
	return slices.ContainsFunc(files, func(f string) bool {
		return f == name || f == seen || strings.HasSuffix(f, "/"+name)
	})
}

func TestFilesNamedInCommentsExist(t *testing.T) {
	files := moduleFiles(t)
	unused := maps.Clone(elsewhere)
	for _, file := range files {
		if file == "CHANGELOG.md" { // which tells what was
			continue
		}
		for _, c := range commentsOf(t, file) {
			for _, name := range filesNamed(c.text) {
				if _, others := elsewhere[name]; others {
					delete(unused, name)
					continue
				}
				assert.True(t, exists(name, file, files), fmt.Sprintf("%s:%d: there is no file %s", file, c.line, name))
			}
		}
	}
	assert.Empty(t, unused, "nobody names these files of others any more")
}

func TestFilesNamed(t *testing.T) {
	for text, want := range map[string][]string{
		"see window.go.":                        {"window.go"},
		"(`tunnel/gre/ack.go`, `header.go`)":    {"tunnel/gre/ack.go", "header.go"},
		"[CONTRIBUTING.md](CONTRIBUTING.md)":    {"CONTRIBUTING.md", "CONTRIBUTING.md"},
		"words_amd64.s and ../bytes_amd64.h":    {"words_amd64.s", "../bytes_amd64.h"},
		"lanes*.go and *_mipsx.h":               nil,
		"https://example.com/a.go, after 0.3 s": nil,
		"w.go(x) and x.gone":                    nil,
	} {
		assert.Equal(t, want, filesNamed(text), text)
	}
}

func TestExists(t *testing.T) {
	files := []string{"README.md", "tunnel/gre/ack.go"}
	for name, want := range map[string]bool{
		"README.md": true, "../../README.md": true, "tunnel/gre/ack.go": true, "gre/ack.go": true,
		"ack.go": true, "k.go": false, "mppe/ack.go": false, "tunnel/README.md": false,
	} {
		assert.Equal(t, want, exists(name, "tunnel/gre/header.go", files), name)
	}
}
