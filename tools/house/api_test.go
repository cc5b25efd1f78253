package house

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the lists of what is exported anew")

// lists is where they are: a file for each package that other programs can import, with a line for
// each symbol, as in the folder api of Go itself.
const lists = root + "/doc/api"

const toAccept = "if this is meant, accept it with: make api"

// TestAPIChangesOnPurpose compares what the packages export on Linux and amd64 with the lists.
func TestAPIChangesOnPurpose(t *testing.T) {
	now := map[string]string{} // by the name of its list
	for path, pkg := range exported(t) {
		if lines := apiOf(pkg); len(lines) > 0 {
			now[strings.ReplaceAll(path, "/", "-")+".txt"] = strings.Join(lines, "\n") + "\n"
		}
	}
	if *update {
		require.NoError(t, os.RemoveAll(lists))
		require.NoError(t, os.MkdirAll(lists, 0o755))
		for name, text := range now {
			require.NoError(t, os.WriteFile(filepath.Join(lists, name), []byte(text), 0o644))
		}
	}
	listed := map[string]string{}
	files, err := os.ReadDir(lists)
	require.NoError(t, err, toAccept)
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(lists, f.Name()))
		require.NoError(t, err)
		listed[f.Name()] = string(text)
	}
	names := maps.Clone(now)
	maps.Copy(names, listed)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		came, went := changes(listed[name], now[name])
		for _, line := range came {
			t.Errorf("doc/api/%s does not have: %s", name, line)
		}
		for _, line := range went {
			t.Errorf("doc/api/%s has, and the package has no more: %s", name, line)
		}
	}
	if t.Failed() {
		t.Log(toAccept)
	}
}

// changes returns the lines that only one of two lists has.
func changes(before, after string) (came, went []string) {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	for _, line := range now {
		if line != "" && !slices.Contains(old, line) {
			came = append(came, line)
		}
	}
	for _, line := range old {
		if line != "" && !slices.Contains(now, line) {
			went = append(went, line)
		}
	}
	return came, went
}

// exported returns the packages that other programs can import, by their paths in the module. They
// are read as the compiler writes them for Linux and amd64, so that they are the same everywhere.
func exported(t *testing.T) map[string]*types.Package {
	t.Helper()
	var paths []string
	for line := range strings.Lines(goList(t, "-f", "{{.ImportPath}} {{.Name}}", "./...")) {
		path, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		folders := strings.Split(strings.TrimPrefix(path, module), "/")
		if name != "main" && !slices.Contains(folders, "internal") {
			paths = append(paths, path)
		}
	}
	compiled := map[string]string{}
	for line := range strings.Lines(goList(t, append([]string{"-export", "-f", "{{.ImportPath}} {{.Export}}"}, paths...)...)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		compiled[path] = file
	}
	gc := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(compiled[path])
	})
	packages := map[string]*types.Package{}
	for _, path := range paths {
		if compiled[path] == "" {
			continue // it consists of tests
		}
		pkg, err := gc.Import(path)
		require.NoError(t, err)
		packages[strings.TrimPrefix(path, module)] = pkg
	}
	return packages
}

// goList returns what go list prints for Linux and amd64.
func goList(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s: %s", cmd, &stderr)
	return string(out)
}

// apiOf lists what a package exports, a line for each symbol, in order.
func apiOf(pkg *types.Package) []string {
	in := types.RelativeTo(pkg)
	qualifier := func(p *types.Package) string {
		if in(p) == "" {
			return ""
		}
		return p.Name()
	}
	text := func(t types.Type) string { return types.TypeString(t, qualifier) }
	signature := func(f types.Object) string { return strings.TrimPrefix(text(unnamed(f)), "func") }
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, name := range pkg.Scope().Names() {
		object := pkg.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		switch o := object.(type) {
		case *types.Const:
			add("const %s %s = %s", name, text(o.Type()), o.Val().ExactString())
		case *types.Var:
			add("var %s %s", name, text(o.Type()))
		case *types.Func:
			add("func %s%s", name, signature(o))
		case *types.TypeName:
			if o.IsAlias() {
				add("type %s = %s", name, text(types.Unalias(o.Type())))
				continue
			}
			full := text(o.Type())
			switch u := o.Type().Underlying().(type) {
			case *types.Struct:
				add("type %s struct", full)
				for f := range u.Fields() {
					if f.Exported() {
						add("type %s struct, %s %s", name, f.Name(), text(f.Type()))
					}
				}
			case *types.Interface:
				add("type %s interface", full)
				for m := range u.Methods() {
					if !m.Exported() {
						add("type %s interface, methods that are not exported", name)
						continue
					}
					add("type %s interface, %s%s", name, m.Name(), signature(m))
				}
				continue
			default:
				add("type %s %s", full, text(u))
			}
			ofValue := types.NewMethodSet(o.Type())
			for m := range types.NewMethodSet(types.NewPointer(o.Type())).Methods() {
				receiver := name
				if ofValue.Lookup(pkg, m.Obj().Name()) == nil {
					receiver = "*" + name
				}
				if m.Obj().Exported() {
					add("method (%s) %s%s", receiver, m.Obj().Name(), signature(m.Obj()))
				}
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// unnamed returns a function's type without the names of what it takes and returns: others may
// change them.
func unnamed(f types.Object) types.Type {
	s := f.Type().(*types.Signature)
	if s.TypeParams().Len() > 0 {
		return s
	}
	strip := func(tuple *types.Tuple) *types.Tuple {
		var list []*types.Var
		for v := range tuple.Variables() {
			list = append(list, types.NewParam(token.NoPos, nil, "", v.Type()))
		}
		return types.NewTuple(list...)
	}
	return types.NewSignatureType(nil, nil, nil, strip(s.Params()), strip(s.Results()), s.Variadic())
}

func TestAPIOf(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", `package p

const (
	A Kind = iota
	B
	hidden
	Length = 3
)
var Default = []int{1}
type Kind uint8
func (k Kind) String() string { return "" }
func New(name string, more ...*Thing) (thing *Thing, err error) { return nil, nil }
type inner struct{ Deep bool }
func (i *inner) Promoted() {}
type Thing struct {
	inner
	Name string
	size int
}
func (t *Thing) Do(each func(k Kind) bool) {}
func (t *Thing) do() {}
type Reader interface { Read(data []byte) (n int); own() }
type List[T any] struct{ All []T }
type Same = Kind
`, 0)
	require.NoError(t, err)
	pkg, err := new(types.Config).Check("p", fset, []*ast.File{file}, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"const A Kind = 0",
		"const B Kind = 1",
		"const Length untyped int = 3",
		"func New(string, ...*Thing) (*Thing, error)",
		"method (*Thing) Do(func(k Kind) bool)",
		"method (*Thing) Promoted()",
		"method (Kind) String() string",
		"type Kind uint8",
		"type List struct, All []T",
		"type List[T any] struct",
		"type Reader interface",
		"type Reader interface, Read([]byte) int",
		"type Reader interface, methods that are not exported",
		"type Same = Kind",
		"type Thing struct",
		"type Thing struct, Name string",
		"var Default []int",
	}, apiOf(pkg))
}

func TestChanges(t *testing.T) {
	came, went := changes("a\nb\nc\n", "a\nc\nd\n")
	assert.Equal(t, []string{"d"}, came)
	assert.Equal(t, []string{"b"}, went)
	came, went = changes("", "a\n")
	assert.Equal(t, []string{"a"}, came)
	assert.Empty(t, went)
}
