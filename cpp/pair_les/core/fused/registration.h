// SPDX-License-Identifier: MIT
// Registration of operators with torch, where a process may hold two copies of this library (that of pip and one built
// by hand): the operators of the copy that came first serve both. TORCH_LIBRARY would end the process instead.

#ifndef PAIR_LES_CORE_FUSED_REGISTRATION_H
#define PAIR_LES_CORE_FUSED_REGISTRATION_H

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pair_les {

class Registration {
 public:
  // `name` of the first operator
  explicit Registration(const std::string &name) :
      first_(!c10::Dispatcher::singleton().findSchema({"pair_les::" + name, ""}))
  {}

  template <class Fill> Registration &&define(const Fill &fill) &&
  {
    return add(torch::Library::FRAGMENT, std::nullopt, fill);
  }
  template <class Fill> Registration &&implement(c10::DispatchKey key, const Fill &fill) &&
  {
    return add(torch::Library::IMPL, key, fill);
  }

 private:
  template <class Fill>
  Registration &&add(torch::Library::Kind kind, std::optional<c10::DispatchKey> key,
                     const Fill &fill)
  {
    if (!first_) return std::move(*this);
    libraries_.push_back(
        std::make_unique<torch::Library>(kind, "pair_les", key, __FILE__, __LINE__));
    fill(*libraries_.back());
    return std::move(*this);
  }

  bool first_;
  std::vector<std::unique_ptr<torch::Library>> libraries_;
};

// An operator by its name and the type of its C++ function.
template <class Signature> auto operator_named(const char *name)
{
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

} // namespace pair_les

#endif
