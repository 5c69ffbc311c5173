/*
 * test-thread
 *
 * A pager and threads that wait for its pages, in C++, in the way of Zircon's own pager tests: threads are started, seen to
 * block, suspended and resumed, and their crashes are caught by an exception channel. One line for each part; exit code: how many failed.
 */
#include <faultline/rt.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/port.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

FAULTLINE_MAY_WAIT_FOR_PAGERS();

namespace {

/* Closes its handle. */
class Handle {
 public:
  Handle() = default;
  explicit Handle(zx_handle_t value) : value_(value) {}
  Handle(Handle &&other) noexcept : value_(other.release()) {}
  Handle &operator=(Handle &&other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Handle() { reset(); }

  zx_handle_t get() const { return value_; }
  zx_handle_t release() { return std::exchange(value_, ZX_HANDLE_INVALID); }
  void reset(zx_handle_t value = ZX_HANDLE_INVALID) { zx_handle_close(std::exchange(value_, value)); }
  zx_handle_t *out() {
    reset();
    return &value_;
  }

 private:
  zx_handle_t value_ = ZX_HANDLE_INVALID;
};

class Work {
 public:
  virtual ~Work() = default;
  virtual bool Run() = 0;
};

template <typename Function>
class WorkOf final : public Work {
 public:
  explicit WorkOf(Function function) : function_(std::move(function)) {}
  bool Run() override { return function_(); }

 private:
  Function function_;
};

/* A crashed thread goes on here. */
void LeaveThread() { zx_thread_exit(); }

/* One thread that does one thing. */
class TestThread {
 public:
  template <typename Function>
  explicit TestThread(Function function) : work_(std::make_unique<WorkOf<Function>>(std::move(function))) {}

  ~TestThread() {
    if (thread_ != nullptr) rt_thread_join(thread_, nullptr);
  }

  bool Start() {
    if (zx_event_create(0, gate_.out()) != ZX_OK) return false;
    if (rt_thread_create(&thread_, "test", Main, this, 0) != ZX_OK) return false;
    const zx_status_t bound = zx_task_create_exception_channel(handle(), 0, exceptions_.out());
    return zx_object_signal(gate_.get(), 0, ZX_EVENT_SIGNALED) == ZX_OK && bound == ZX_OK;
  }

  /* It has ended, and its function returned true. */
  bool Wait() { return WaitForTerm() && result_.load() == kTrue; }
  bool WaitForFailure() { return WaitForTerm() && result_.load() == kFalse; }

  /* It has taken a fatal page fault at an address, for a reason, and has then been ended. */
  bool WaitForCrash(zx_vaddr_t address, zx_status_t reason) {
    zx_signals_t observed = 0;
    if (zx_object_wait_one(exceptions_.get(), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE,
                           &observed) != ZX_OK ||
        (observed & ZX_CHANNEL_READABLE) == 0)
      return false;
    zx_exception_info_t info;
    Handle exception, thread;
    uint32_t bytes = 0, handles = 0;
    if (zx_channel_read(exceptions_.get(), 0, &info, exception.out(), sizeof(info), 1, &bytes, &handles) != ZX_OK)
      return false;
    if (zx_exception_get_thread(exception.get(), thread.out()) != ZX_OK) return false;
    zx_exception_report_t report;
    if (zx_object_get_info(thread.get(), ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof(report), nullptr, nullptr) !=
        ZX_OK)
      return false;
    zx_thread_state_general_regs_t registers;
    if (zx_thread_read_state(thread.get(), ZX_THREAD_STATE_GENERAL_REGS, &registers, sizeof(registers)) != ZX_OK)
      return false;
    registers.pc = reinterpret_cast<uint64_t>(LeaveThread);
    if (zx_thread_write_state(thread.get(), ZX_THREAD_STATE_GENERAL_REGS, &registers, sizeof(registers)) != ZX_OK)
      return false;
    const uint32_t handled = ZX_EXCEPTION_STATE_HANDLED;
    if (zx_object_set_property(exception.get(), ZX_PROP_EXCEPTION_STATE, &handled, sizeof(handled)) != ZX_OK)
      return false;
    exception.reset();
    return WaitForTerm() && info.type == ZX_EXCP_FATAL_PAGE_FAULT && report.header.type == ZX_EXCP_FATAL_PAGE_FAULT &&
           report.context.arch.riscv_64.tval == address &&
           report.context.synth_code == static_cast<uint32_t>(reason);
  }

  bool WaitForBlocked() { return WaitForState(ZX_THREAD_STATE_BLOCKED_PAGER); }

  bool WaitForTerm() {
    return zx_object_wait_one(handle(), ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, nullptr) == ZX_OK;
  }

  bool SuspendSync() {
    return zx_task_suspend_token(handle(), token_.out()) == ZX_OK &&
           zx_object_wait_one(handle(), ZX_THREAD_SUSPENDED, ZX_TIME_INFINITE, nullptr) == ZX_OK;
  }

  bool Resume() {
    token_.reset();
    return zx_object_wait_one(handle(), ZX_THREAD_RUNNING, ZX_TIME_INFINITE, nullptr) == ZX_OK;
  }

 private:
  enum Result : int { kNone, kFalse, kTrue };

  static intptr_t Main(void *self) {
    auto *test = static_cast<TestThread *>(self);
    zx_object_wait_one(test->gate_.get(), ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr);
    test->result_.store(test->work_->Run() ? kTrue : kFalse);
    return 0;
  }

  zx_handle_t handle() const { return rt_thread_handle(thread_); }

  bool WaitForState(zx_thread_state_t state) {
    for (;;) {
      zx_info_thread_t info;
      if (zx_object_get_info(handle(), ZX_INFO_THREAD, &info, sizeof(info), nullptr, nullptr) != ZX_OK) return false;
      if (info.state == state) return true;
      if (info.state == ZX_THREAD_STATE_DEAD) return false;
      zx_nanosleep(zx_deadline_after(ZX_USEC(100)));
    }
  }

  std::unique_ptr<Work> work_;
  std::atomic<Result> result_{kNone};
  rt_thread_t *thread_ = nullptr;
  Handle gate_, exceptions_, token_;
};

/* A pager with one VMO, which is mapped. Words of a page count up from the VMO's key. */
class UserPager {
 public:
  static constexpr uint64_t kKey = 7;

  bool Init(uint64_t pages) {
    pages_ = pages;
    return zx_pager_create(0, pager_.out()) == ZX_OK && zx_port_create(0, port_.out()) == ZX_OK &&
           zx_pager_create_vmo(pager_.get(), 0, port_.get(), kKey, pages * ZX_PAGE_SIZE, vmo_.out()) == ZX_OK &&
           zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo_.get(), 0,
                       pages * ZX_PAGE_SIZE, &base_) == ZX_OK;
  }

  ~UserPager() {
    if (base_ != 0) zx_vmar_unmap(zx_vmar_root_self(), base_, pages_ * ZX_PAGE_SIZE);
  }

  zx_handle_t vmo() const { return vmo_.get(); }
  zx_vaddr_t page(uint64_t index) const { return base_ + index * ZX_PAGE_SIZE; }
  void ClosePager() { pager_.reset(); }

  /* The next packet, if one comes before the deadline. */
  std::optional<zx_packet_page_request_t> Next(zx_time_t deadline) {
    zx_port_packet_t packet;
    if (zx_port_wait(port_.get(), deadline, &packet) != ZX_OK || packet.type != ZX_PKT_TYPE_PAGE_REQUEST) return {};
    return packet.page_request;
  }

  bool WaitForRead(uint64_t page, uint64_t count) {
    const auto request = Next(ZX_TIME_INFINITE);
    return request && request->command == ZX_PAGER_VMO_READ && request->offset == page * ZX_PAGE_SIZE &&
           request->length == count * ZX_PAGE_SIZE;
  }

  bool Supply(uint64_t page, uint64_t count) {
    Handle source;
    if (zx_vmo_create(count * ZX_PAGE_SIZE, 0, source.out()) != ZX_OK) return false;
    std::array<uint64_t, ZX_PAGE_SIZE / sizeof(uint64_t)> words;
    for (uint64_t index = 0; index < count; index++) {
      uint64_t next = kKey + (page + index) * words.size();
      std::generate(words.begin(), words.end(), [&next] { return next++; });
      if (zx_vmo_write(source.get(), words.data(), index * ZX_PAGE_SIZE, ZX_PAGE_SIZE) != ZX_OK) return false;
    }
    return zx_pager_supply_pages(pager_.get(), vmo_.get(), page * ZX_PAGE_SIZE, count * ZX_PAGE_SIZE, source.get(),
                                 0) == ZX_OK;
  }

  bool Fail(uint64_t page, zx_status_t reason) {
    return zx_pager_op_range(pager_.get(), ZX_PAGER_OP_FAIL, vmo_.get(), page * ZX_PAGE_SIZE, ZX_PAGE_SIZE,
                             static_cast<uint64_t>(static_cast<int64_t>(reason))) == ZX_OK;
  }

  bool Check(uint64_t page) const {
    const auto *words = reinterpret_cast<const volatile uint64_t *>(this->page(page));
    for (uint64_t i = 0; i < ZX_PAGE_SIZE / sizeof(uint64_t); i++) {
      if (words[i] != kKey + page * (ZX_PAGE_SIZE / sizeof(uint64_t)) + i) return false;
    }
    return true;
  }

 private:
  Handle pager_, port_, vmo_;
  zx_vaddr_t base_ = 0;
  uint64_t pages_ = 0;
};

#define REQUIRE(condition)                                          \
  do {                                                              \
    if (!(condition)) {                                             \
      printf("  line %d: %s does not hold\n", __LINE__, #condition); \
      return false;                                                 \
    }                                                               \
  } while (0)

bool AsksAgainWhenResumed(bool through_vmo) {
  UserPager pager;
  REQUIRE(pager.Init(1));
  TestThread thread([&pager, through_vmo] {
    uint64_t word = 0;
    if (!through_vmo) return pager.Check(0);
    return zx_vmo_read(pager.vmo(), &word, 0, sizeof(word)) == ZX_OK && word == UserPager::kKey;
  });
  REQUIRE(thread.Start());
  REQUIRE(pager.WaitForRead(0, 1));
  REQUIRE(thread.WaitForBlocked());
  REQUIRE(thread.SuspendSync());
  REQUIRE(thread.Resume());
  REQUIRE(thread.WaitForBlocked());
  REQUIRE(pager.WaitForRead(0, 1));
  REQUIRE(pager.Supply(0, 1));
  REQUIRE(thread.Wait());
  REQUIRE(!pager.Next(ZX_TIME_INFINITE_PAST));
  return true;
}

bool SuspendedReader() { return AsksAgainWhenResumed(false); }
bool SuspendedCall() { return AsksAgainWhenResumed(true); }

bool FailedPage() {
  UserPager pager;
  REQUIRE(pager.Init(2));
  TestThread thread([&pager] { return pager.Check(1); });
  REQUIRE(thread.Start());
  REQUIRE(pager.WaitForRead(1, 1));
  REQUIRE(pager.Fail(1, ZX_ERR_IO_DATA_INTEGRITY));
  REQUIRE(thread.WaitForCrash(pager.page(1), ZX_ERR_IO_DATA_INTEGRITY));
  return true;
}

bool ClosedPager() {
  UserPager pager;
  REQUIRE(pager.Init(2));
  REQUIRE(pager.Supply(0, 1));
  TestThread thread([&pager] { return pager.Check(0) && pager.Check(1); });
  REQUIRE(thread.Start());
  REQUIRE(pager.WaitForRead(1, 1));
  pager.ClosePager();
  REQUIRE(thread.WaitForCrash(pager.page(1), ZX_ERR_BAD_STATE));
  REQUIRE(pager.Check(0));
  return true;
}

bool FailingCall() {
  UserPager pager;
  REQUIRE(pager.Init(1));
  TestThread thread([&pager] {
    uint64_t word;
    return zx_vmo_read(pager.vmo(), &word, 0, sizeof(word)) == ZX_OK;
  });
  REQUIRE(thread.Start());
  REQUIRE(pager.WaitForRead(0, 1));
  REQUIRE(pager.Fail(0, ZX_ERR_IO));
  REQUIRE(thread.WaitForFailure());
  return true;
}

bool ManyReaders() {
  UserPager pager;
  REQUIRE(pager.Init(1));
  std::array<std::unique_ptr<TestThread>, 8> threads;
  const auto read = [&pager] { return pager.Check(0); };
  for (auto &thread : threads) thread = std::make_unique<TestThread>(read);
  for (auto &thread : threads) REQUIRE(thread->Start());
  for (auto &thread : threads) REQUIRE(thread->WaitForBlocked());
  REQUIRE(pager.WaitForRead(0, 1));
  REQUIRE(!pager.Next(ZX_TIME_INFINITE_PAST));
  REQUIRE(pager.Supply(0, 1));
  REQUIRE(std::all_of(threads.begin(), threads.end(), [](const auto &thread) { return thread->Wait(); }));
  return true;
}

struct Part {
  const char *name;
  bool (*run)();
};

constexpr std::array<Part, 6> kParts{{
    {"a suspended reader asks again", SuspendedReader},
    {"a suspended call asks again", SuspendedCall},
    {"a failed page is a crash with its reason", FailedPage},
    {"a page of a closed pager is a crash", ClosedPager},
    {"a call fails with its page", FailingCall},
    {"many readers of a page are one request", ManyReaders},
}};

/* Constructed before main, and ended after it. */
struct Summary {
  int failed = 0;
  ~Summary() { printf("%d of %zu parts failed\n", failed, kParts.size()); }
};

Summary &Results() {
  static Summary summary;
  return summary;
}

}  // namespace

int main() {
  for (const auto &part : kParts) {
    const bool passed = part.run();
    if (!passed) Results().failed++;
    printf("%s: %s\n", part.name, passed ? "yes" : "no");
  }
  return Results().failed;
}
