// A doubly linked list whose nodes live in the objects they link: no allocation, and an object that goes away
// leaves the list by itself. Used for everything a suspended coroutine registers with.
//
// Thread-safety: none; all users are confined to one loop.
#pragma once

namespace motcua::async {

// Base of the objects kept in an IntrusiveList; in at most one list at a time.
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { Unlink(); }

  bool linked() const { return next_ != this; }

  void Unlink() {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = this;
  }

 private:
  template <class T>
  friend class IntrusiveList;

  ListNode* prev_ = this;
  ListNode* next_ = this;
};

// A FIFO of T, where T derives from ListNode. Nodes still linked when the list goes away are just unlinked.
template <class T>
class IntrusiveList {
 public:
  IntrusiveList() = default;
  ~IntrusiveList() {
    while (!empty()) head_.next_->Unlink();
  }

  bool empty() const { return !head_.linked(); }

  void PushBack(T& item) {
    ListNode& node = item;
    node.Unlink();
    node.prev_ = head_.prev_;
    node.next_ = &head_;
    head_.prev_->next_ = &node;
    head_.prev_ = &node;
  }

  // The oldest item, unlinked; null when empty.
  T* PopFront() {
    if (empty()) return nullptr;
    ListNode* node = head_.next_;
    node->Unlink();
    return static_cast<T*>(node);
  }

  // The oldest item, which stays; null when empty.
  T* Front() const { return empty() ? nullptr : static_cast<T*>(head_.next_); }

  // Moves all items of `other` to the end of this list.
  void Append(IntrusiveList& other) {
    if (other.empty()) return;
    ListNode* first = other.head_.next_;
    ListNode* last = other.head_.prev_;
    other.head_.prev_ = other.head_.next_ = &other.head_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
  }

 private:
  ListNode head_;
};

}  // namespace motcua::async
