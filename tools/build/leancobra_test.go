package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// templates is what cobra has of text/template.
const templates = `package cobra

import (
	"io"
	"text/template"
)

var templateFuncs = template.FuncMap{"trim": trim}

func AddTemplateFuncs(tmplFuncs template.FuncMap) {}

func tmpl(text string) *tmplFunc {
	return &tmplFunc{fn: func(w io.Writer) error { return template.Must(template.New("top").Parse(text)).Execute(w, nil) }}
}
`

func TestWithoutTemplates(t *testing.T) {
	got, err := withoutTemplates(templates)
	require.NoError(t, err)
	require.Equal(t, `package cobra

import (
	"io"
	
)

var templateFuncs = map[string]interface{}{"trim": trim}

func AddTemplateFuncs(tmplFuncs map[string]interface{}) {}

func tmpl(text string) *tmplFunc { panic("cobra was built without templates, see tools/build/leancobra.go") }
`, got)
	for _, test := range []struct{ name, from, to, want string }{
		{"another use", "AddTemplateFuncs(tmplFuncs template.FuncMap)", "AddTemplate(t *template.Template)", "line 10 uses template.Template"},
		{"no maker", "func tmpl(", "func makeTemplate(", "there is no function tmpl in it"},
		{"no import", `"text/template"`, `"html/template"`, "it does not import text/template"},
		{"an import with another name", `"text/template"`, `tt "text/template"`, "it does not import text/template"},
		{"no Go", "package", "paket", "expected 'package'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := withoutTemplates(strings.Replace(templates, test.from, test.to, 1))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// pattern is what cobra has of regexp, in the file of its completion.
const pattern = `package cobra

import (
	"regexp"
	"strings"
)

var configEnvVarPrefixSubstRegexp = regexp.MustCompile(` + "`[^A-Z0-9_]`" + `)

func configEnvVar(name string) string {
	return configEnvVarPrefixSubstRegexp.ReplaceAllString(strings.ToUpper(name), "_")
}
`

func TestWithoutRegexp(t *testing.T) {
	got, err := withoutRegexp(pattern)
	require.NoError(t, err)
	require.Contains(t, got, "var configEnvVarPrefixSubstRegexp = notOfEnvironment{}\n")
	require.NotContains(t, got, `"regexp"`)
	for _, test := range []struct{ name, from, to, want string }{
		{"another pattern", "[^A-Z0-9_]", "[^A-Z]", "there is no regexp.MustCompile(`[^A-Z0-9_]`) in it"},
		{"another use", "func configEnvVar", "var other *regexp.Regexp\n\nfunc configEnvVar", "line 10 uses regexp.Regexp"},
		{"no import", `"regexp"`, `"example.net/regexp"`, "it does not import regexp"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := withoutRegexp(strings.Replace(pattern, test.from, test.to, 1))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// TestLeanCobra: the copy is made of the cobra that is used here, with its licence, and imports
// neither package; cobra's own files are not touched.
func TestLeanCobra(t *testing.T) {
	t.Chdir("../..")
	source, err := moduleFolder(cobraModule)
	require.NoError(t, err)
	dir := t.TempDir()
	before := map[string]string{}
	for name := range leanCobraFiles {
		text, err := os.ReadFile(filepath.Join(source, name))
		require.NoError(t, err)
		before[name] = string(text)
	}
	replace, err := writeLeanCobra(source, "/repository", dir)
	require.NoError(t, err)
	for _, name := range []string{"LICENSE.txt", "go.mod", "command.go"} {
		assert.Equal(t, filepath.Join(source, name), replace["/repository/build/lean/cobra/"+name])
	}
	for name, text := range before {
		assert.Equal(t, filepath.Join(dir, name), replace["/repository/build/lean/cobra/"+name])
		after, err := os.ReadFile(filepath.Join(source, name))
		require.NoError(t, err)
		assert.Equal(t, text, string(after))
	}
	assert.NotContains(t, replace, "/repository/build/lean/cobra/command_test.go")

	linked := dependencies(t, target{goarch: "mipsle", router: true})
	assert.Contains(t, linked, cobraModule)
	assert.NotContains(t, linked, "text/template")
	assert.NotContains(t, linked, "regexp")
	_, err = os.Stat(leanCobra)
	assert.ErrorIs(t, err, os.ErrNotExist, "nothing is written into the repository")
}

// TestLeanCobraRefused: a cobra that is not as it is expected ends the build, and the error says
// where to look.
func TestLeanCobraRefused(t *testing.T) {
	for _, test := range []struct{ name, file, text, want string }{
		{"a file is missing", "cobra.go", templates, "there is no completions.go"},
		{"a file is different", "completions.go", "package cobra\n", "completions.go: there is no regexp.MustCompile"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(source, test.file), []byte(test.text), 0o600))
			_, err := writeLeanCobra(source, "/repository", t.TempDir())
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "teach tools/build/leancobra.go")
		})
	}
}

// TestNameOfEnvironment: what stands for cobra's pattern does what the pattern does. It is compiled
// with the copy only, so a program of its own asks it.
func TestNameOfEnvironment(t *testing.T) {
	dir := t.TempDir()
	program := "package main\n\nimport \"strings\"\n" + patternWithoutRegexp + `
func main() { print(notOfEnvironment{}.ReplaceAllString("ARC4-9_aÄ. Z", "_")) }
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600))
	cmd := exec.Command("go", "run", filepath.Join(dir, "main.go"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, regexp.MustCompile("[^A-Z0-9_]").ReplaceAllString("ARC4-9_aÄ. Z", "_"), string(out))
}
