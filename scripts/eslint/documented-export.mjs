/** Names of constants, which stand in tables: a comment in front of the table speaks for all of them. */
const CONSTANT = /^[A-Z][A-Z0-9_]*$/;

/** What a file exports has a docstring in front of it. @type {import('eslint').Rule.RuleModule} */
export const documentedExport = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { undocumented: '{{name}} is exported without a docstring.' },
  },
  create(context) {
    /** Later signatures of an overloaded function share the docstring of the first. */
    const documented = new Set();
    return {
      'Program > ExportNamedDeclaration[declaration]'(node) {
        const { declaration } = node;
        const name = (declaration.declarations?.[0] ?? declaration).id.name;
        if (declaration.type === 'VariableDeclaration' && CONSTANT.test(name)) return;
        const comments = context.sourceCode.getCommentsBefore(node);
        if (comments.some(({ type, value }) => type === 'Block' && value.startsWith('*')))
          documented.add(name);
        if (!documented.has(name)) context.report({ node, messageId: 'undocumented', data: { name } });
      },
    };
  },
};
