package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// firstKey is where the keys of slog's methods begin.
var firstKey = map[string]int{"With": 0, "Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "Log": 3, "DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2}

// TestLogKeysAreWords goes through the source of the whole repository: who reads logs by key, with
// grep or jq, must not have to quote them.
func TestLogKeysAreWords(t *testing.T) {
	key := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := 0
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "build" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, k := range logKeys(n) {
				seen++
				assert.Regexp(t, key, k, "%s: a key of a log line", files.Position(n.Pos()))
			}
			return true
		})
		return nil
	}))
	assert.Greater(t, seen, 100, "the calls are not found any more")
}

// logKeys gives the keys of a call of slog's, as far as they are written out.
func logKeys(n ast.Node) (keys []string) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	first, ok := firstKey[method.Sel.Name]
	if x, isName := method.X.(*ast.Ident); !ok || isName && slices.Contains([]string{"t", "b", "f", "tb", "fmt", "http"}, x.Name) {
		return nil
	}
	for i := first; i < len(call.Args); i += 2 {
		if text, ok := call.Args[i].(*ast.BasicLit); ok && text.Kind == token.STRING {
			if k, err := strconv.Unquote(text.Value); err == nil {
				keys = append(keys, k)
			}
		}
	}
	return keys
}
