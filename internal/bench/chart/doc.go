// Package chart draws measurements as groups of bars, into SVG or PNG.
package chart
