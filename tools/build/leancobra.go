package main

import (
	"errors"
	"fmt"
	"go/ast"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Cobra keeps two packages in every program: text/template, for help and usage that are templates,
// and regexp, for the name of an environment variable. Here all help is the program's own
// (cmd/arc4/internal/clidoc), so a router's build is made with a copy of cobra without both, which
// are a 20th of the file. The copy is made of cobra's own source when it is built, and
// `arc4 version` of Go (go version -m) says that cobra was replaced.
const (
	cobraModule = "github.com/spf13/cobra"
	// leanCobra is where the copy is for the go command: in the repository, where nothing is. The
	// overlay says where its files are indeed, so no path of this machine gets into the binary.
	leanCobra = "build/lean/cobra"
)

// teachCobra is the remedy in every error about cobra's source.
const teachCobra = "look what this cobra needs the package for, and teach tools/build/leancobra.go"

// leanCobraFiles has the copy's edits: each makes a file's source do without a package.
var leanCobraFiles = map[string]func(source string) (string, error){
	"cobra.go":       withoutTemplates,
	"completions.go": withoutRegexp,
}

// prepareLeanCobra writes what the copy needs into dir, and returns what stands for what in an
// overlay, and the go.mod that has cobra replaced.
func prepareLeanCobra(dir string) (replace map[string]string, module string, err error) {
	source, err := moduleFolder(cobraModule)
	if err != nil {
		return nil, "", err
	}
	gomod, err := goEnv("GOMOD")
	if err != nil {
		return nil, "", err
	}
	root := filepath.Dir(gomod)
	if replace, err = writeLeanCobra(source, root, dir); err != nil {
		return nil, "", err
	}
	module, err = writeLeanModule(root, dir)
	return replace, module, err
}

// writeLeanCobra writes the edited files of cobra's source, which is in the folder source, into
// dir, and returns what stands for what in an overlay, where root is the repository.
func writeLeanCobra(source, root, dir string) (map[string]string, error) {
	entries, err := os.ReadDir(source)
	if err != nil {
		return nil, err
	}
	replace := map[string]string{}
	for _, e := range entries {
		name := e.Name()
		original := filepath.Join(source, name)
		isSource := strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
		if e.IsDir() || !isSource && name != "go.mod" && name != "LICENSE.txt" {
			continue
		}
		file := original
		if edit := leanCobraFiles[name]; edit != nil {
			if file, err = writeEdited(original, filepath.Join(dir, name), edit); err != nil {
				return nil, fmt.Errorf("%s: %w; %s", original, err, teachCobra)
			}
		}
		replace[filepath.Join(root, leanCobra, name)] = file
	}
	for name := range leanCobraFiles {
		if replace[filepath.Join(root, leanCobra, name)] == "" {
			return nil, fmt.Errorf("%s: there is no %s; %s", source, name, teachCobra)
		}
	}
	return replace, nil
}

// writeLeanModule writes this module's go.mod with cobra replaced, and its go.sum, into dir, and
// returns the former.
func writeLeanModule(root, dir string) (string, error) {
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return "", err
		}
		if name == "go.mod" {
			text = fmt.Appendf(text, "\nreplace %s => ./%s\n", cobraModule, leanCobra)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "go.mod"), nil
}

// moduleFolder is where the go command has a module's source; it is fetched if it is not there.
func moduleFolder(module string) (string, error) {
	folder := func() (string, error) {
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
		if err != nil {
			return "", fmt.Errorf("go list -m %s: %w%s", module, err, said(err))
		}
		return strings.TrimSpace(string(out)), nil
	}
	dir, err := folder()
	if err != nil || dir != "" {
		return dir, err
	}
	if out, err := exec.Command("go", "mod", "download", module).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go mod download %s: %w\n%s", module, err, out)
	}
	if dir, err = folder(); err == nil && dir == "" {
		err = fmt.Errorf("go list -m %s: no folder", module)
	}
	return dir, err
}

// said is what a command wrote about its failure, on lines of its own.
func said(err error) string {
	var failed *exec.ExitError
	if errors.As(err, &failed) && len(failed.Stderr) > 0 {
		return "\n" + string(failed.Stderr)
	}
	return ""
}

// withoutTemplates takes text/template out of cobra: its type of a list of functions is written
// out, and the one function that makes a template refuses to. Only SetHelpTemplate,
// SetUsageTemplate and SetVersionTemplate call that, and the program none of them.
func withoutTemplates(source string) (string, error) {
	f, err := parseSource(source)
	if err != nil {
		return "", err
	}
	var maker *ast.FuncDecl
	for _, d := range f.file.Decls {
		if fn, is := d.(*ast.FuncDecl); is && fn.Recv == nil && fn.Name.Name == "tmpl" {
			maker = fn
		}
	}
	if maker == nil {
		return "", errors.New("there is no function tmpl in it")
	}
	f.replace(maker.Body, `{ panic("cobra was built without templates, see tools/build/leancobra.go") }`)
	for _, use := range f.uses("template") {
		switch {
		case maker.Body.Pos() <= use.Pos() && use.End() <= maker.Body.End():
		case use.Sel.Name == "FuncMap":
			f.replace(use, "map[string]interface{}")
		default:
			return "", fmt.Errorf("line %d uses template.%s", f.line(use), use.Sel.Name)
		}
	}
	return f.without("text/template")
}

// environmentPattern is the one pattern of cobra's: the characters that the name of an environment
// variable may not have.
const environmentPattern = "`[^A-Z0-9_]`"

// patternWithoutRegexp does what cobra asks of that pattern.
const patternWithoutRegexp = `
type notOfEnvironment struct{}

func (notOfEnvironment) ReplaceAllString(name, by string) string {
	var b strings.Builder
	for _, r := range name {
		if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' {
			b.WriteRune(r)
		} else {
			b.WriteString(by)
		}
	}
	return b.String()
}
`

// withoutRegexp takes regexp out of cobra's file of completion: what does without it stands for its
// one pattern.
func withoutRegexp(source string) (string, error) {
	f, err := parseSource(source)
	if err != nil {
		return "", err
	}
	var pattern *ast.CallExpr
	ast.Inspect(f.file, func(n ast.Node) bool {
		if call, is := n.(*ast.CallExpr); is && len(call.Args) == 1 && f.text(call) == "regexp.MustCompile("+environmentPattern+")" {
			pattern = call
		}
		return true
	})
	if pattern == nil {
		return "", fmt.Errorf("there is no regexp.MustCompile(%s) in it", environmentPattern)
	}
	for _, use := range f.uses("regexp") {
		if use != pattern.Fun {
			return "", fmt.Errorf("line %d uses regexp.%s", f.line(use), use.Sel.Name)
		}
	}
	f.replace(pattern, "notOfEnvironment{}")
	text, err := f.without("regexp")
	return text + patternWithoutRegexp, err
}
