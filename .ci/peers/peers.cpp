// Runs a QR decoder of Debian's over pictures and videos, for ashyq-bench:  peers zxing-cpp|zbar LIST
// LIST has one path per line. Prints path, CPU ms and texts in hex, for videos path, frame, CPU ms and texts.
// The time is this thread's, of decoding grey pixels; pictures are loaded before.
#include <zbar.h> // before ZXing, whose macros have the names of its classes

#define ZX_USE_UTF8
#include <ZXing/ReadBarcode.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <time.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>

static std::string hex(const void *data, size_t n) {
	std::string s;
	char two[3];
	for (size_t i = 0; i < n; i++) {
		snprintf(two, sizeof two, "%02x", static_cast<const unsigned char *>(data)[i]);
		s += two;
	}
	return s;
}

static double cpuMS() {
	timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

using Decoder = std::function<std::string(const cv::Mat &)>;

// As the library's own reader does it: all helpers on, but only QR codes.
static std::string zxing(const cv::Mat &grey) {
	ZXing::DecodeHints hints;
	hints.setFormats(ZXing::BarcodeFormat::QRCode).setTryHarder(true).setTryRotate(true).setTryDownscale(true);
	auto found = ZXing::ReadBarcode({grey.data, grey.cols, grey.rows, ZXing::ImageFormat::Lum}, hints);
	if (!found.isValid())
		return "NONE";
	return hex(found.bytes().data(), found.bytes().size());
}

static std::string zbarRead(const cv::Mat &grey) {
	static zbar::ImageScanner scanner;
	static bool ready = false;
	if (!ready) {
		scanner.set_config(zbar::ZBAR_NONE, zbar::ZBAR_CFG_ENABLE, 0);
		scanner.set_config(zbar::ZBAR_QRCODE, zbar::ZBAR_CFG_ENABLE, 1);
		scanner.set_config(zbar::ZBAR_NONE, zbar::ZBAR_CFG_TEST_INVERTED, 1);
		ready = true;
	}
	zbar::Image image(grey.cols, grey.rows, "Y800", grey.data, grey.total());
	scanner.scan(image);
	std::string all;
	for (auto s = image.symbol_begin(); s != image.symbol_end(); ++s) {
		auto text = s->get_data();
		all += (all.empty() ? "" : ",") + hex(text.data(), text.size());
	}
	return all.empty() ? "NONE" : all;
}

static std::string timed(const Decoder &decode, const cv::Mat &grey, double &ms) {
	double before = cpuMS();
	auto text = decode(grey);
	ms = cpuMS() - before;
	return text;
}

int main(int argc, char **argv) {
	if (argc != 3) {
		std::cerr << "usage: peers zxing-cpp|zbar LIST\n";
		return 2;
	}
	Decoder decode = std::string(argv[1]) == "zbar" ? Decoder(zbarRead) : Decoder(zxing);
	std::ifstream list(argv[2]);
	for (std::string path; std::getline(list, path);) {
		double ms = 0;
		if (auto still = cv::imread(path, cv::IMREAD_GRAYSCALE); !still.empty()) {
			auto text = timed(decode, still, ms);
			printf("%s\t%.3f\t%s\n", path.c_str(), ms, text.c_str());
			continue;
		}
		cv::VideoCapture video(path);
		cv::Mat colour, grey;
		for (int n = 0; video.read(colour); n++) {
			cv::cvtColor(colour, grey, cv::COLOR_BGR2GRAY);
			auto text = timed(decode, grey, ms);
			printf("%s\t%d\t%.3f\t%s\n", path.c_str(), n, ms, text.c_str());
		}
	}
}
