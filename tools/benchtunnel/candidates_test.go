package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChoose(t *testing.T) {
	all, err := choose("")
	require.NoError(t, err)
	assert.Equal(t, candidates, all)
	some, err := choose("gre-xsk,wireguard-go")
	require.NoError(t, err)
	require.Len(t, some, 2)
	assert.Equal(t, reference, some[0].name, "in the table's order")
	_, err = choose("veth,openvpn")
	assert.ErrorContains(t, err, `there is no "openvpn": give some of veth, veth-plain, wireguard-go`)
}
