const TIMERS = new Set(['setTimeout', 'setInterval']);

/** A test waits for what it tests, not for time to pass: no `await new Promise((resolve) => setTimeout(resolve, n))`. */
export const noSleep = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { sleep: 'Wait for the event itself, or move a virtual clock.' },
  },
  create(context) {
    /** Timers that only resolve a promise; one that guards a wait with a failure is no sleep. */
    const resolves = (executor, call) => {
      const [resolve] = executor.params;
      const [callback] = call.arguments;
      if (resolve?.type !== 'Identifier' || callback === undefined) return false;
      if (callback.type === 'Identifier') return callback.name === resolve.name;
      return (
        callback.type === 'ArrowFunctionExpression' &&
        callback.body.type === 'CallExpression' &&
        callback.body.callee.name === resolve.name
      );
    };
    return {
      CallExpression(node) {
        if (node.callee.type !== 'Identifier' || !TIMERS.has(node.callee.name)) return;
        for (let at = node.parent; at !== null && at !== undefined; at = at.parent) {
          const isFunction = at.type === 'ArrowFunctionExpression' || at.type === 'FunctionExpression';
          if (!isFunction) continue;
          if (
            at.parent.type === 'NewExpression' &&
            at.parent.callee.name === 'Promise' &&
            resolves(at, node)
          ) {
            context.report({ node, messageId: 'sleep' });
          }
          return;
        }
      },
      ImportDeclaration(node) {
        if (node.source.value === 'node:timers/promises' || node.source.value === 'timers/promises') {
          for (const specifier of node.specifiers) {
            if (specifier.imported?.name === 'setTimeout')
              context.report({ node: specifier, messageId: 'sleep' });
          }
        }
      },
    };
  },
};
