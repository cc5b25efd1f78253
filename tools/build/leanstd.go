package main

import (
	"errors"
	"fmt"
	"go/ast"
	"path/filepath"
	"strings"
)

// A router's build is made with copies of some files of the standard library, from which is taken
// what this program can not use and the linker can not leave out by itself: the self-tests and the
// random generator of the FIPS 140 mode, in which neither MS-CHAPv2 nor MPPE would be allowed, and
// of GODEBUG the counters for runtime/metrics, which nobody reads, and the search for a call stack
// that a setting makes go wrong. Of package slices, whose sorts are compiled for each type of
// element anew, the sorts are those of package sort, which are there once: the same algorithm, with
// two calls of a function for what is a comparison and an exchange there. Nothing is sorted for a
// packet. The copies are made of the toolchain's own files when it is built.

// teachStd is the remedy in every error about the standard library's source.
const teachStd = "look what this Go does there, and teach tools/build/leanstd.go"

// leanStdFiles has the edits, by the files' paths below GOROOT/src.
var leanStdFiles = map[string]func(source string) (string, error){
	"crypto/internal/fips140/fips140.go":   withoutFIPS,
	"crypto/internal/fips140/drbg/rand.go": withoutDRBG,
	"internal/godebug/godebug.go":          withoutCounters,
	"internal/bisect/bisect.go":            withoutBisection,
	"slices/sort.go":                       withSharedSorts,
}

// sharedSorts is the file of package sort whose sorts take functions, and the file that is made of
// it for package slices.
const sharedSorts, sharedInSlices = "sort/zsortfunc.go", "slices/zsortfunc.go"

// prepareLeanStd writes the edited files of the toolchain's sources into dir, and returns what
// stands for what in an overlay.
func prepareLeanStd(goroot, dir string) (map[string]string, error) {
	replace := map[string]string{}
	for name, edit := range leanStdFiles {
		original := filepath.Join(goroot, "src", filepath.FromSlash(name))
		edited := filepath.Join(dir, "std_"+strings.ReplaceAll(name, "/", "_"))
		file, err := writeEdited(original, edited, edit)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; %s", original, err, teachStd)
		}
		replace[original] = file
	}
	original := filepath.Join(goroot, "src", filepath.FromSlash(sharedSorts))
	file, err := writeEdited(original, filepath.Join(dir, "std_slices_zsortfunc.go"), sortsForSlices)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %s", original, err, teachStd)
	}
	replace[filepath.Join(goroot, "src", filepath.FromSlash(sharedInSlices))] = file
	return replace, nil
}

// withoutFIPS makes a constant of what says whether the FIPS 140 mode is on, so that the compiler
// leaves out what is only done then. Who asks for the mode is told that there is none.
func withoutFIPS(source string) (string, error) {
	f, err := parseSource(source)
	if err != nil {
		return "", err
	}
	declared, set := 0, 0
	ast.Inspect(f.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if f.text(n) == "var Enabled bool" {
				f.replace(n, "const Enabled = false")
				declared++
			}
		case *ast.AssignStmt:
			if f.text(n) == "Enabled = true" {
				f.replace(n, `panic("GODEBUG=fips140=" + v + ": this program was built without FIPS 140, see tools/build/leanstd.go")`)
				set++
			}
		}
		return true
	})
	if declared != 1 || set == 0 {
		return "", errors.New(`there is no "var Enabled bool" that "Enabled = true" sets`)
	}
	return f.changed(), nil
}

// withoutDRBG takes out what makes a random generator of that mode. Outside of it, the system is
// asked.
func withoutDRBG(source string) (string, error) {
	f, err := parseSource(source)
	if err != nil {
		return "", err
	}
	found := 0
	ast.Inspect(f.file, func(n ast.Node) bool {
		if made, is := n.(*ast.FuncLit); is && len(made.Body.List) == 1 && f.text(made.Body.List[0]) == "return NewCounter(getEntropy())" {
			f.replace(made.Body, `{ panic("fips140/drbg: built without") }`)
			found++
		}
		return true
	})
	if found != 1 {
		return "", errors.New("there is no func() any { return NewCounter(getEntropy()) } in it")
	}
	return f.changed(), nil
}

// withoutCounters has a setting of GODEBUG that changes something counted no more for
// runtime/metrics.
func withoutCounters(source string) (string, error) {
	return withBodies(source, map[string]string{"register": "{}"})
}

// withoutBisection takes patterns for any: a setting of GODEBUG with one (name=value#pattern) holds
// for all call stacks.
func withoutBisection(source string) (string, error) {
	return withBodies(source, map[string]string{"New": "{ return nil, nil }", "Stack": "{ return true }"})
}

// withSharedSorts has the sorts of package slices call those that sortsForSlices brings.
func withSharedSorts(source string) (string, error) {
	const functions = "lessSwap{func(i, j int) bool { return cmp(x[i], x[j]) < 0 }, func(i, j int) { x[i], x[j] = x[j], x[i] }}"
	return withBodies(source, map[string]string{
		"Sort":           "{ SortFunc(x, cmp.Compare[E]) }",
		"SortFunc":       "{ pdqsort_func(" + functions + ", 0, len(x), bits.Len(uint(len(x)))) }",
		"SortStableFunc": "{ stable_func(" + functions + ", len(x)) }",
	})
}

// sortsForSlices makes a file of package slices of package sort's, with the type of its functions.
func sortsForSlices(source string) (string, error) {
	f, err := parseSource(source)
	if err != nil {
		return "", err
	}
	if f.file.Name.Name != "sort" || len(f.file.Imports) > 0 {
		return "", errors.New("it is not of package sort, or imports something")
	}
	f.replace(f.file.Name, "slices")
	return f.changed() + "\ntype lessSwap struct {\n\tLess func(i, j int) bool\n\tSwap func(i, j int)\n}\n", nil
}

// withBodies replaces the bodies of functions and methods, by their names.
func withBodies(source string, bodies map[string]string) (string, error) {
	f, err := parseSource(source)
	if err != nil {
		return "", err
	}
	found := map[string]int{}
	for _, d := range f.file.Decls {
		fn, is := d.(*ast.FuncDecl)
		if !is || fn.Body == nil {
			continue
		}
		if body, ours := bodies[fn.Name.Name]; ours {
			f.replace(fn.Body, body)
			found[fn.Name.Name]++
		}
	}
	for name := range bodies {
		if found[name] != 1 {
			return "", fmt.Errorf("there are %d functions %s in it, and not one", found[name], name)
		}
	}
	return f.changed(), nil
}
