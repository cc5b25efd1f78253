package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's root, as seen from here.
const root = "../.."

// moduleFiles lists the module's files by their paths from its root, with slashes.
func moduleFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			files = append(files, path)
		case path == "bin", path == "build", path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		}
		return nil
	})
	require.NoError(t, err)
	return files
}

// read returns a file's text, by its path from the root.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	require.NoError(t, err)
	return string(text)
}
