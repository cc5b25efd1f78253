package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documents lists the repository's Markdown files, by their path in it.
func documents(t *testing.T) []string {
	t.Helper()
	var pages []string
	require.NoError(t, fs.WalkDir(os.DirFS("../.."), ".", func(name string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && slices.Contains([]string{".git", "bin", "build", "testdata"}, entry.Name()) {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".md") {
			pages = append(pages, name)
		}
		return err
	}))
	require.Subset(t, pages, []string{"README.md", "SECURITY.md", "doc/serve.md", "interop/README.md"})
	return pages
}

// typedPattern finds what a page has for typing: spans between backquotes, and indented lines.
var typedPattern = regexp.MustCompile("(?m)`[^`]+`|^    .*$")

// prose is a page without its code.
func prose(page string) string { return typedPattern.ReplaceAllString(page, "") }

var (
	linkPattern    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// anchors are those that GitHub gives a page's headings.
func anchors(page string) []string {
	var all []string
	for _, found := range headingPattern.FindAllStringSubmatch(page, -1) {
		anchor := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, strings.TrimSpace(found[1]))
		name := anchor
		for n := 1; slices.Contains(all, name); n++ {
			name = fmt.Sprintf("%s-%d", anchor, n)
		}
		all = append(all, name)
	}
	return all
}

func TestAnchors(t *testing.T) {
	assert.Equal(t, []string{"arc4-serve-and-more", "a-b", "a-b-1", "gre_is---blocked"},
		anchors("# arc4 serve, and `more`\ntext # none\n## A b\n### A b\n## GRE_is - (blocked)\n"))
}

// TestLinks follows every link of the pages within the repository, also to a heading.
func TestLinks(t *testing.T) {
	for _, page := range documents(t) {
		t.Run(page, func(t *testing.T) {
			for _, found := range linkPattern.FindAllStringSubmatch(prose(document(t, page)), -1) {
				if strings.Contains(found[1], "://") {
					continue
				}
				file, anchor, hasAnchor := strings.Cut(found[1], "#")
				target := page
				if file != "" {
					target = path.Join(path.Dir(page), file)
				}
				if _, err := os.Stat(filepath.Join("../..", target)); !assert.NoError(t, err, found[1]) {
					continue
				}
				if hasAnchor {
					assert.Contains(t, anchors(document(t, target)), anchor, "%s has no such heading", target)
				}
			}
		})
	}
}

// TestDocumentedPathsExist looks for the folders and programs that the pages' commands name.
func TestDocumentedPathsExist(t *testing.T) {
	named := regexp.MustCompile(`(?:^|[\s` + "`" + `])((?:\./|tools/|interop/)[\w./-]*\w)`)
	for _, page := range documents(t) {
		if page == "CHANGELOG.md" {
			continue // which tells of what has gone, too
		}
		for _, typed := range typedPattern.FindAllString(document(t, page), -1) {
			for _, found := range named.FindAllStringSubmatch(typed, -1) {
				_, err := os.Stat(filepath.Join("../..", found[1]))
				assert.NoError(t, err, "%s: %s", page, typed)
			}
		}
	}
}

// TestDocumentedTargetsExist looks for every target of make that a page names.
func TestDocumentedTargetsExist(t *testing.T) {
	var targets []string
	for _, found := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(document(t, "Makefile"), -1) {
		targets = append(targets, found[1])
	}
	named := regexp.MustCompile("^[` ]+(?:[A-Z]+=\\S+ )*make((?: [a-z-]*[a-z]\\b)+)")
	count := 0
	for _, page := range documents(t) {
		for _, typed := range typedPattern.FindAllString(document(t, page), -1) {
			line, _, _ := strings.Cut(typed, " # ")
			for _, found := range named.FindAllStringSubmatch(line, -1) {
				for target := range strings.FieldsSeq(found[1]) {
					count++
					assert.Contains(t, targets, target, "%s: %s", page, typed)
				}
			}
		}
	}
	assert.Greater(t, count, 15)
}

// TestDocumentedTestsExist looks for the tests that SECURITY.md and others rest a claim on.
func TestDocumentedTestsExist(t *testing.T) {
	var tests strings.Builder
	require.NoError(t, fs.WalkDir(os.DirFS("../.."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, "_test.go") {
			text, err := os.ReadFile(filepath.Join("../..", name))
			tests.Write(text)
			return err
		}
		return err
	}))
	count := 0
	for _, page := range documents(t) {
		for _, typed := range typedPattern.FindAllString(document(t, page), -1) {
			for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(typed, -1) {
				count++
				assert.True(t, strings.Contains(tests.String(), "\nfunc "+name+"("), "%s: no test %s", page, name)
			}
		}
	}
	assert.Greater(t, count, 20)
}
