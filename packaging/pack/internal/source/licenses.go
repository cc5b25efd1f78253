package source

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licenceFile are the names of files by which a module says what is allowed.
var licenceFile = regexp.MustCompile(`(?i)^(un)?licen[cs]e|^copying|^notice|^patents$`)

// Licenses gives the licences of all that is linked into the program, in full: most of them ask
// for that where the program is given away. root is the folder of the repository.
func Licenses(root string) ([]byte, error) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}} {{$.Dir}}{{end}}{{end}}", "./cmd/arc4")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	where, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	goroot := strings.TrimSpace(string(where))
	found := map[string][]string{"Go": {filepath.Join(goroot, "LICENSE"), filepath.Join(goroot, "PATENTS")}}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) != 4 {
			continue
		}
		name, top, dir := words[0]+" "+words[1], words[2], words[3]
		for ; len(dir) >= len(top); dir = filepath.Dir(dir) {
			here, err := licencesIn(dir)
			if err != nil {
				return nil, err
			}
			found[name] = append(found[name], here...)
		}
		if len(found[name]) == 0 {
			return nil, fmt.Errorf("%s: no licence in %s", name, top)
		}
	}
	return together(found)
}

// licencesIn are the paths of a folder's licences.
func licencesIn(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Type().IsRegular() && licenceFile.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, err
}

// together is the text of all of them, by module.
func together(found map[string][]string) ([]byte, error) {
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	var all bytes.Buffer
	all.WriteString("What is linked into arc4 besides its own code, and what its authors allow and ask for.\n")
	for _, name := range names {
		paths := found[name]
		slices.Sort(paths)
		for _, path := range slices.Compact(paths) {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&all, "\n%s\n%s: %s\n\n%s", strings.Repeat("-", 80), name, filepath.Base(path), text)
		}
	}
	return all.Bytes(), nil
}
