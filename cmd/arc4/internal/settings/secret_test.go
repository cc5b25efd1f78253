package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSecretOf(t *testing.T) {
	for name, want := range map[string]Secret{
		"password": SecretValue, "password-file": SecretFile, "ARC4_PASSWORD": SecretValue, "ARC4_PASSWORD_FILE": SecretFile,
		"secrets": SecretFile, "ipparam": SecretValue, "insecure-secrets": NotSecret,
		"nt-hash-file": SecretFile, "proxy-password": SecretValue, "AWS_SECRET_ACCESS_KEY": SecretValue, "GITHUB_TOKEN": SecretValue,
		"user": NotSecret, "mtu": NotSecret, "PATH": NotSecret, "retry-auth": NotSecret, "CREDENTIALS_DIRECTORY": NotSecret,
	} {
		assert.Equal(t, want, SecretOf(name), name)
	}
	assert.True(t, ListedSecret("password-file"))
	assert.True(t, ListedSecret("insecure-secrets"))
	assert.False(t, ListedSecret("proxy-password"), "it sounds like one, and nobody has said so")
}
