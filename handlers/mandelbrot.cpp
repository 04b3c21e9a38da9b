#include <algorithm>
#include <string>

#include "handlers/arguments.hpp"
#include "service/handler.hpp"
#include "service/sleep.hpp"

namespace tandem::handlers {
namespace {

constexpr std::uint64_t kMaxSize = 1024;
constexpr int kIterations = 50;
// Pixels between two turns for the other work of this I/O thread, about a millisecond.
constexpr std::uint64_t kSlicePixels = 8192;

// The order of the operations is the Python endpoint's too; compiled without fused multiply-add, both round alike.
unsigned char shade(double real, double imaginary) {
  double x = 0;
  double y = 0;
  for (int i = 0; i < kIterations; ++i) {
    const double xx = x * x;
    const double yy = y * y;
    if (xx + yy > 4.0) return static_cast<unsigned char>(255 - 5 * i);
    y = 2.0 * x * y + imaginary;
    x = xx - yy + real;
  }
  return 0;
}

}  // namespace

Task<http::Response> mandelbrot(http::Request& request, service::Call& call) {
  const auto size = parse_whole(request.path_param("size"), 1, kMaxSize);
  if (!size) co_return not_whole("size", 1, kMaxSize);

  std::string image = "P5\n" + std::to_string(*size) + " " + std::to_string(*size) + "\n255\n";
  image.reserve(image.size() + *size * *size);
  const auto rows_per_slice = std::max<std::uint64_t>(1, kSlicePixels / *size);
  for (std::uint64_t row = 0; row < *size && !call.cancelled; ++row) {
    const double imaginary = 2.0 * static_cast<double>(row) / static_cast<double>(*size) - 1.0;
    for (std::uint64_t column = 0; column < *size; ++column) {
      const double real = 2.0 * static_cast<double>(column) / static_cast<double>(*size) - 1.5;
      image.push_back(static_cast<char>(shade(real, imaginary)));
    }
    if ((row + 1) % rows_per_slice == 0) co_await service::sleep_for(call, Nanoseconds(0));
  }
  co_return http::Response(200, "image/x-portable-graymap", std::move(image));
}

}  // namespace tandem::handlers
