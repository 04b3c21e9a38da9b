// /api/v1/experiments… and /api/v1/audit: which paths and methods there are (experiments.md §5.13). What they answer comes
// from ServerView::experiments.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "admin/server_view.hpp"
#include "http/request.hpp"
#include "service/call.hpp"
#include "service/handler.hpp"

namespace tandem::admin {

struct ExperimentsPage {
  ExperimentsRequest::Kind kind = ExperimentsRequest::Kind::list;
  std::string id;      // percent-decoded
  std::string action;  // of a change
  std::string_view allow;
};

// nullopt: there is no such page.
std::optional<ExperimentsPage> find_experiments_page(std::string_view path, http::Method method);

// `by`: who asks, for the audit log. The request's method is one that the page allows.
service::Outcome answer_experiments(const ServerView& server, ExperimentsPage page, std::string by,
                                    const http::Request& request, service::Call& call);

}  // namespace tandem::admin
