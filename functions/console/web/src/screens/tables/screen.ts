import { Table2 } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/tables', label: msg('Tables'), icon: Table2, order: 75 },
  routes: [
    { path: '/tables', load: () => import('./index') },
    { path: '/tables/$table', load: () => import('./Grid') },
  ],
});
