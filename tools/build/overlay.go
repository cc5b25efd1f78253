package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// writeOverlay writes what `go build -overlay` wants into dir and returns its path: a mended copy
// of the toolchain's file with usleep in it. The path is empty if the toolchain needs no mending.
func writeOverlay(t target, dir string) (string, error) {
	if !t.isMIPS() {
		return "", nil
	}
	name, word := "sys_linux_mipsx.s", word32
	if strings.HasPrefix(t.goarch, "mips64") {
		name, word = "sys_linux_mips64x.s", word64
	}
	original := filepath.Join(t.goroot, "src", "runtime", name)
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	mended, err := mendUsleep(string(source), word)
	if err != nil {
		return "", fmt.Errorf("%s: %w", original, err)
	}
	if mended == string(source) {
		return "", nil
	}
	replacement, list := filepath.Join(dir, name), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(replacement, []byte(mended), 0o644); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{original: replacement}})
	if err != nil {
		return "", err
	}
	return list, os.WriteFile(list, text, 0o644)
}
