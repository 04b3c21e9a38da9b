// The dashboard's files: npm makes them of web/, and the build puts them into the program
// (docs/decisions/0008-the-dashboard.md). A build without npm has one page instead, which says so (no_dashboard.hpp).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "http/request.hpp"
#include "http/response.hpp"

namespace tandem::admin {

struct DashboardFile {
  std::string_view path;  // "/", "/assets/index-8b3c.js"
  std::string_view type;
  std::string_view tag;  // of the content, for ETag, without quotes; empty: none
  std::string_view content;
  std::string_view gzip;  // the same, compressed; empty: it is not
};

// Of this build. Static storage.
std::span<const DashboardFile> dashboard_files();

// 200, or 304 to a client that has it; nullopt: there is no such file.
std::optional<http::Response> find_dashboard_file(std::span<const DashboardFile> files, const http::Request& request);

}  // namespace tandem::admin
