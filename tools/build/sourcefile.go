package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
)

// writeEdited writes the file original as the file edited, and returns the latter.
func writeEdited(original, edited string, edit func(string) (string, error)) (string, error) {
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	changed, err := edit(string(text))
	if err != nil {
		return "", err
	}
	return edited, os.WriteFile(edited, []byte(changed), 0o644)
}

// sourceFile is a file of Go's with changes that are yet to be made.
type sourceFile struct {
	source  string
	set     *token.FileSet
	file    *ast.File
	changes []change
}

// change is a piece of a source, from one byte to before another, and what stands for it.
type change struct {
	from, to int
	by       string
}

func parseSource(source string) (*sourceFile, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", source, parser.SkipObjectResolution)
	return &sourceFile{source: source, set: set, file: file}, err
}

func (f *sourceFile) offset(p token.Pos) int { return f.set.Position(p).Offset }

func (f *sourceFile) line(n ast.Node) int { return f.set.Position(n.Pos()).Line }

func (f *sourceFile) text(n ast.Node) string { return f.source[f.offset(n.Pos()):f.offset(n.End())] }

func (f *sourceFile) replace(n ast.Node, by string) {
	f.changes = append(f.changes, change{f.offset(n.Pos()), f.offset(n.End()), by})
}

// uses are the places where something of a package is named, by the name that the package has.
func (f *sourceFile) uses(name string) []*ast.SelectorExpr {
	var list []*ast.SelectorExpr
	ast.Inspect(f.file, func(n ast.Node) bool {
		if s, is := n.(*ast.SelectorExpr); is {
			if of, is := s.X.(*ast.Ident); is && of.Name == name {
				list = append(list, s)
			}
		}
		return true
	})
	return list
}

// without makes the changes and takes out the import of a package, which must have its own name.
func (f *sourceFile) without(path string) (string, error) {
	for _, spec := range f.file.Imports {
		if spec.Path.Value == `"`+path+`"` && spec.Name == nil {
			f.replace(spec, "")
			return f.changed(), nil
		}
	}
	return "", fmt.Errorf("it does not import %s", path)
}

// changed is the source with all changes made; they may not overlap.
func (f *sourceFile) changed() string {
	slices.SortFunc(f.changes, func(a, b change) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, c := range f.changes {
		b.WriteString(f.source[at:c.from] + c.by)
		at = c.to
	}
	return b.String() + f.source[at:]
}
