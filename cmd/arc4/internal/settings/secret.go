package settings

import (
	"slices"
	"strings"
)

// Secret says what about a setting nobody else may see.
type Secret int

// The kinds of Secret.
const (
	NotSecret   Secret = iota
	SecretValue        // its value
	SecretFile         // what is in the file that it names
)

// secrets are the settings that have one, by the name of the flag or the key of a profile, which
// means the same with every command.
var secrets = map[string]Secret{
	"ipparam":             SecretValue, // scripts are given what they need to log in elsewhere
	"nt-hash-file":        SecretFile,
	"password":            SecretValue,
	"password-file":       SecretFile,
	"proxy-password-file": SecretFile,
	"secrets":             SecretFile,
}

// harmless are the settings that sound like it and have none.
var harmless = []string{"credentials-directory", "insecure-secrets"}

// secretWords are in the names of settings, and of variables of the environment, that have one.
var secretWords = []string{"password", "passwd", "passphrase", "secret", "hash", "token", "credential", "api-key", "private-key"}

// SecretOf says whether a setting, or a variable of the environment, has a secret, by its name. One
// that only sounds like it has one too.
func SecretOf(name string) Secret {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, Prefix), "_", "-"))
	if s, listed := secrets[name]; listed {
		return s
	}
	sounds := func(word string) bool { return strings.Contains(name, word) }
	switch {
	case slices.Contains(harmless, name) || !slices.ContainsFunc(secretWords, sounds):
		return NotSecret
	case strings.HasSuffix(name, "-file"):
		return SecretFile
	}
	return SecretValue
}

// ListedSecret reports whether somebody has said of a setting what SecretOf says of it.
func ListedSecret(name string) bool {
	_, is := secrets[name]
	return is || slices.Contains(harmless, name)
}
