// Package qr finds QR codes in grey pictures and reads them: ISO/IEC 18004:2015, versions 1 to 40,
// upright or not, mirrored, inverted.
//
// What a camera sees is too blurred, uneven and skewed to be turned into black and white pixels
// that hold a code. So black and white serves for finding only; all measuring is done in the grey
// picture:
//
//	picture --look--> bitmap --scan--> finder patterns --triples--> frame
//	        --versions--> fit --sample--> grid --read--> text
//
// A look is the picture in one size, with one kind of threshold, some with a filter. Runs of
// 1:1:3:1:1, light or dark, are finder patterns, if cuts in the other directions agree; the best of
// them are combined in threes. The edges of three patterns tell how many modules lie between them
// and, by their change in size, where the fourth corner is (frame). A fit lays the modules of a
// version over that; it is judged by the correlation of the known modules (finder, timing and
// alignment patterns) with the picture, and moved to where it is highest; where that does not
// suffice a mesh bends it, from one place of highest contrast to the next. The modules' brightness
// is compared with that of the modules around them, and blur between neighbours is taken off step
// by step, until format information and error correction agree.
//
// Misreadings are kept out by what a text has to pass: timing pattern, at most three wrong bits of
// the format information, a correction that leaves what the standard reserves as proof, and two
// codewords more where codewords were given up, and content that keeps to the rules.
package qr
