//go:build !gocv_videoio

package main

const withOpenCV, buildTags = false, ""
