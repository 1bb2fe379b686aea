// Answers come in any order: which of them are still wanted.

/** Whether what comes is still wanted. One for each thing that is shown. */
export class Newest {
  entered = 0;
  asked = 0;
  taken = 0;

  /** Something else is to be shown.
   *  @returns {() => boolean} to be called with it: whether nothing else was wanted since. What was
   *  asked of the one before is late from then on */
  enter() {
    const mine = ++this.entered;
    return () => {
      if (mine !== this.entered) return false;
      this.taken = ++this.asked;
      return true;
    };
  }

  /** What is shown is asked for again.
   *  @returns {() => boolean} to be called with the answer: whether no later one came before it */
  ask() {
    const mine = ++this.asked;
    return () => {
      if (mine < this.taken) return false;
      this.taken = mine;
      return true;
    };
  }
}
