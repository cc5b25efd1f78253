// Package mschap is the arithmetic and the message texts of MS-CHAPv2 (RFC 2759),
// both sides. It keeps no state and no secrets. Version 1 is not in it.
package mschap
