package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
)

// prepare writes into dir what the go command gets besides the sources as they are, and returns the
// arguments that say so: with the toolchain's usleep mended, where it has to be, and for a router
// with a leaner cobra and less of the standard library.
func prepare(t target, dir string) ([]string, error) {
	replace, err := mendedRuntime(t, dir)
	if err != nil {
		return nil, err
	}
	var args []string
	if t.router {
		lean, module, err := prepareLeanCobra(dir)
		if err != nil {
			return nil, err
		}
		maps.Copy(replace, lean)
		std, err := prepareLeanStd(t.goroot, dir)
		if err != nil {
			return nil, err
		}
		maps.Copy(replace, std)
		args = append(args, "-modfile", module)
	}
	list, err := writeOverlay(replace, dir)
	if list != "" {
		args = append(args, "-overlay", list)
	}
	return args, err
}

// writeOverlay writes what `go build -overlay` wants into dir and returns its path, which is empty
// where nothing is to be replaced.
func writeOverlay(replace map[string]string, dir string) (string, error) {
	if len(replace) == 0 {
		return "", nil
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	return list, os.WriteFile(list, text, 0o644)
}
