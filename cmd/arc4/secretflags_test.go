package main

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/settings"
)

// TestSecretFlagsAreListed: of every flag that sounds as if it had a secret somebody has said
// whether it has, so that bugreport and captures know how.
func TestSecretFlagsAreListed(t *testing.T) {
	found := 0
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if settings.SecretOf(f.Name) != settings.NotSecret {
				found++
				assert.True(t, settings.ListedSecret(f.Name), "%s --%s: put it into secrets or harmless in internal/settings/secret.go", cmd.CommandPath(), f.Name)
			}
		})
	})
	assert.Greater(t, found, 2)
}
